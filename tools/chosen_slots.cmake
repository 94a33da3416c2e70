# Run while a library of chosen operators is built (tools/chosen.cmake): writes to HEADER, for each of the kernel slots whose
# names are variables in the object ALL, whether the library CALLED, from which the linker has dropped what nothing
# reaches, still has that variable.

cmake_minimum_required(VERSION 3.25)

function(slots out file)
	execute_process(COMMAND ${NM} ${file} OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
	string(REGEX MATCHALL "eg_slot_name_[a-z0-9_]+" names "${symbols}")
	list(TRANSFORM names REPLACE "eg_slot_name_" "")
	set(${out} ${names} PARENT_SCOPE)
endfunction()

slots(all ${ALL})
slots(called ${CALLED})
if(NOT called)
	message(FATAL_ERROR "${NM} ${CALLED} shows no kernel slot: is it stripped? Build without -s, and strip what is installed")
endif()
set(text "/* Made by tools/chosen_slots.cmake: which kernel slots are called. */\n")
foreach(slot ${all})
	set(has 0)
	if(slot IN_LIST called)
		set(has 1)
	endif()
	string(APPEND text "#define EG_HAS_${slot} ${has}\n")
endforeach()
file(CONFIGURE OUTPUT ${HEADER} CONTENT "${text}" @ONLY)
