# The tests, included from the top CMakeLists.txt. All run in the source folder.
#
#   test_*.c      cmocka programs, <build>/test/test_*
#   optest*.c     the generic op tester, one program
#   random_nets.c random networks on every table; more of them by hand: random_nets --count N --seed S
#   vectors*.c    comparison with other systems' results, one program
#   fuzz_*.c      fuzz targets; here their kept inputs test/corpus/*/ are run through them (fuzz_main.c)
#   support*.c    what several of them share: a library
#   shim_failing.c  calls that fail when told to, in place of those of libc
#   peak_memory.c what a command needs, for the scripts
#   *.sh          tests of the whole program; they get ENGRAM (the program) and ENGRAM_BUILD in the environment
#   docs_extract.awk  takes code out of pages, for docs*.sh
#
# Labels: `program` for shell tests, `threads` for C tests whose source speaks of threads (those run under TSan).
# Exit code 77 means skipped.

pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)

# Read by ctest before it starts a test: the environment, where the caller has not set it.
file(CONFIGURE OUTPUT test/environment.cmake @ONLY CONTENT [[
set(source "@CMAKE_SOURCE_DIR@")
if(NOT DEFINED ENV{ENGRAM_DATA} AND EXISTS "${source}/../shared/data")
	set(ENV{ENGRAM_DATA} "${source}/../shared/data")
elseif(DEFINED ENV{ENGRAM_DATA} AND NOT IS_ABSOLUTE "$ENV{ENGRAM_DATA}")
	set(ENV{ENGRAM_DATA} "${source}/$ENV{ENGRAM_DATA}")
endif()
foreach(setting "ASAN_OPTIONS=allocator_may_return_null=1:strict_string_checks=1" "UBSAN_OPTIONS=print_stacktrace=1"
		"TSAN_OPTIONS=allocator_may_return_null=1:halt_on_error=1:second_deadlock_stack=1")
	string(REGEX MATCH "^([A-Z]+_OPTIONS)=(.*)$" matched "${setting}")
	if(NOT DEFINED ENV{${CMAKE_MATCH_1}})
		set(ENV{${CMAKE_MATCH_1}} "${CMAKE_MATCH_2}")
	endif()
endforeach()
]])
set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${CMAKE_BINARY_DIR}/test/environment.cmake)

function(register name)
	cmake_parse_arguments(arg "" "" "COMMAND;LABELS" ${ARGN})
	add_test(NAME ${name} COMMAND ${arg_COMMAND} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
	set(timeout 600)
	if(CMAKE_CROSSCOMPILING OR ENGRAM_SANITIZE)
		set(timeout 1800) # an emulator's pace, or a sanitizer's
	endif()
	set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT ${timeout} LABELS "${arg_LABELS}")
	list(GET arg_COMMAND 0 program)
	if("threads" IN_LIST arg_LABELS AND TARGET ${program})
		add_dependencies(threaded_tests ${program})
	endif()
endfunction()
add_custom_target(threaded_tests) # those with the label, for who runs no others

file(GLOB support CONFIGURE_DEPENDS test/support*.c)
foreach(file ${support})
	needs_io(${file} io)
	if(io AND NOT ENGRAM_IO)
		list(REMOVE_ITEM support ${file})
	endif()
endforeach()
add_library(test_support STATIC ${support})
target_link_libraries(test_support PUBLIC engram_all PkgConfig::CMOCKA)
function(test_program name)
	program(${name} test LIBS test_support SOURCES ${ARGN})
	# gcc 12 for ARM breaks down at sums of fmax (vect_transform_reduction), which tests are full of.
	if(TARGET ${name} AND CMAKE_C_COMPILER_ID STREQUAL "GNU" AND CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
		target_compile_options(${name} PRIVATE -fno-tree-vectorize)
	endif()
endfunction()

function(labels_of file out)
	file(STRINGS ${file} lines LIMIT_COUNT 1 REGEX "eg_team_|thread|prefetch")
	if(lines)
		set(${out} threads PARENT_SCOPE)
	endif()
endfunction()

file(GLOB units CONFIGURE_DEPENDS test/test_*.c)
# Calls that fail, or are counted, when told to: linked to two tests, and, to be preloaded, for the program (cli_failures.sh). Sanitizers have
# a malloc of their own.
if(ENGRAM_SANITIZE OR NOT CMAKE_SYSTEM_NAME STREQUAL "Linux")
	list(REMOVE_ITEM units ${CMAKE_SOURCE_DIR}/test/test_no_memory.c)
endif()
foreach(file ${units})
	cmake_path(GET file STEM name)
	test_program(${name} ${file})
	if(TARGET ${name})
		set(labels)
		labels_of(${file} labels)
		register(${name} COMMAND ${name} LABELS ${labels})
	endif()
endforeach()
if(ENGRAM_SANITIZE AND TEST test_graph) # of its random graphs; their numbers are looked at without sanitizers
	set_tests_properties(test_graph PROPERTIES ENVIRONMENT ENGRAM_TEST_GRAPHS=20)
endif()

if(TARGET test_no_memory)
	foreach(name test_no_memory test_listen)
		target_sources(${name} PRIVATE ${CMAKE_SOURCE_DIR}/test/shim_failing.c)
		target_compile_definitions(${name} PRIVATE ENGRAM_TEST_SHIM)
	endforeach()
	add_library(shim_failing MODULE ${CMAKE_SOURCE_DIR}/test/shim_failing.c)
	target_link_libraries(shim_failing PRIVATE ${CMAKE_DL_LIBS})
	set_target_properties(shim_failing PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/test)
	set_target_properties(shim_failing test_no_memory test_listen PROPERTIES C_VISIBILITY_PRESET default) # other libraries see it too
endif()

file(GLOB optest CONFIGURE_DEPENDS test/optest*.c)
if(optest)
	# The operators once more, with their cases, which the libraries are without.
	file(GLOB operators CONFIGURE_DEPENDS src/ops/*.c)
	test_program(optest ${optest} ${operators})
	if(TARGET optest)
		target_compile_definitions(optest PRIVATE ENGRAM_CASES)
		if(ENGRAM_SANITIZE) # the whole takes many minutes there, and the tester itself is tested elsewhere
			set(only)
			if(ENGRAM_SANITIZE MATCHES thread)
				set(only --threads)
			endif()
			register(optest COMMAND optest --isa ref --brief ${only} LABELS threads)
			if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
				register(optest-avx2 COMMAND optest --isa avx2 --brief ${only} LABELS threads)
			endif()
			register(optest-replay COMMAND optest --replay)
		else()
			if(ENGRAM_DOUBLE) # with nothing beside it that takes as long (`make check-double`)
				register(optest COMMAND optest --share 0/2 LABELS threads)
				register(optest-2 COMMAND optest --share 1/2 LABELS threads)
			else()
				register(optest COMMAND optest LABELS threads)
			endif()
			register(optest-mutate COMMAND optest --mutate)
			register(optest-replay COMMAND optest --replay)
		endif()
		get_target_property(definitions engram_all COMPILE_DEFINITIONS)
		if(definitions MATCHES ENGRAM_HAVE_WIDE16)
			register(optest-wide16 COMMAND optest --isa wide16)
		endif()
		if(CMAKE_CROSSCOMPILING AND CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
			register(optest-neon COMMAND optest --isa neon --brief --share 0/2)
			register(optest-neon-2 COMMAND optest --isa neon --brief --share 1/2)
		endif()
	endif()
endif()

file(GLOB random CONFIGURE_DEPENDS test/random_nets.c)
if(random) # docs_operator.sh has a tree with the tester alone
	test_program(random_nets ${random})
endif()
if(TARGET random_nets)
	if(CMAKE_CROSSCOMPILING OR ENGRAM_SANITIZE)
		register(random_nets COMMAND random_nets --count 40 LABELS threads)
	else()
		register(random_nets COMMAND random_nets LABELS threads)
	endif()
endif()

register(opgen COMMAND opgen --check include/engram_ops.h)

file(GLOB vectors CONFIGURE_DEPENDS test/vectors*.c)
if(vectors)
	test_program(vectors ${vectors})
	if(TARGET vectors AND EXISTS "${ENGRAM_VECTORS}")
		register(vectors COMMAND vectors ${ENGRAM_VECTORS} !run-)
		if(NOT ENGRAM_SANITIZE) # trainings of some minutes there, of nothing that other tests do not train
			register(vectors-runs COMMAND vectors ${ENGRAM_VECTORS} run-)
		endif()
	elseif(TARGET vectors)
		message(STATUS "No folder ${ENGRAM_VECTORS}: the test `vectors` is left out")
	endif()
endif()

# Other people's tests of models in files: cases in folders.
if(EXISTS ${CMAKE_SOURCE_DIR}/test/onnx_suite.c)
	test_program(onnx_suite ${CMAKE_SOURCE_DIR}/test/onnx_suite.c)
	test_program(onnx_samples ${CMAKE_SOURCE_DIR}/test/onnx_samples.c) # for test/interop/onnx_written.py
	if(TARGET onnx_suite)
		register(onnx_cases COMMAND onnx_suite test/onnx_cases) # written by test/interop/onnx_recurrent.py and onnx_random.py
	endif()
endif()
if(EXISTS ${CMAKE_SOURCE_DIR}/test/sound_steps.c)
	test_program(sound_steps ${CMAKE_SOURCE_DIR}/test/sound_steps.c) # for test/interop/sound.py
endif()

file(GLOB fuzzers CONFIGURE_DEPENDS test/fuzz_*.c)
list(REMOVE_ITEM fuzzers ${CMAKE_SOURCE_DIR}/test/fuzz_main.c)
foreach(file ${fuzzers})
	cmake_path(GET file STEM name)
	if(ENGRAM_FUZZ)
		test_program(${name} ${file})
		if(TARGET ${name})
			target_link_options(${name} PRIVATE -fsanitize=fuzzer)
		endif()
	else()
		test_program(${name} ${file} ${CMAKE_SOURCE_DIR}/test/fuzz_main.c)
		string(REPLACE fuzz_ "" corpus ${name})
		if(TARGET ${name})
			register(${name} COMMAND ${name} test/corpus/${corpus})
		endif()
	endif()
endforeach()

if(TARGET engram)
	program(peak_memory test SOURCES ${CMAKE_SOURCE_DIR}/test/peak_memory.c)
	file(GLOB scripts CONFIGURE_DEPENDS test/*.sh)
	foreach(file ${scripts})
		cmake_path(GET file STEM name)
		file(STRINGS ${file} shebang LIMIT_COUNT 1)
		set(shell sh)
		if(shebang MATCHES bash)
			set(shell bash)
		endif()
		register(${name}.sh COMMAND ${shell} ${file} LABELS program)
		set_property(TEST ${name}.sh PROPERTY ENVIRONMENT "ENGRAM=$<TARGET_FILE:engram>"
			"ENGRAM_BUILD=${CMAKE_BINARY_DIR}" "ENGRAM_SANITIZE=${ENGRAM_SANITIZE}" "CC=${CMAKE_C_COMPILER}")
	endforeach()
endif()

# The longest first, so that the last to end has no processor to itself: about the seconds that they take.
set(longest optest 100 optest-wide16 80 docs_operator.sh 60 cli_generate.sh 60 cli_jobs.sh 60 vectors 25 optest-mutate 20 vectors-runs 15 test_kern_conv 25 test_kern_isa 20 test_kern_winograd 20
	optest-avx2 90 test_graph 15 small.sh 15 optest-neon 90 optest-neon-2 90 test_checkpoint 10)
while(longest)
	list(POP_FRONT longest name seconds)
	if(TEST ${name})
		set_property(TEST ${name} PROPERTY COST ${seconds})
	endif()
endwhile()

if(ENGRAM_SANITIZE MATCHES address)
	get_property(all DIRECTORY PROPERTY TESTS)
	foreach(name ${all})
		set_property(TEST ${name} APPEND PROPERTY ENVIRONMENT
			"LSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/test/lsan.supp:print_suppressions=0")
	endforeach()
endif()
