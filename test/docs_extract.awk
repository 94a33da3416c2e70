# Takes the fenced blocks out of a page: awk -v out=DIR -f test/docs_extract.awk PAGE
#
#   ```c                      DIR/3.c: the third block of the page, in C
#   ```c FILE                 the same, and it is the next piece of DIR/files/FILE
#   ```c FILE after TEXT      DIR/3.c, and DIR/3.edit with FILE, "after" and TEXT, a line each: it belongs behind the first
#                             line of FILE that holds TEXT; `before` likewise. Spaces in TEXT are as they stand
#
# A block ends with a line of ``` alone.
BEGIN { system("mkdir -p '" out "/files'") }
!on && /^```/ {
	on = ++n
	head = substr($0, 4)
	lang = head
	sub(/ .*/, "", lang)
	block = out "/" n "." (lang == "" ? "text" : lang)
	printf "" >block
	file = ""
	if (head ~ / /) {
		rest = substr(head, length(lang) + 2)
		name = rest
		sub(/ .*/, "", name)
		if (name == rest) {
			file = out "/files/" name
			folder = file
			sub(/\/[^\/]*$/, "", folder)
			if (!(folder in made)) system("mkdir -p '" folder "'")
			made[folder] = 1
		} else {
			where = substr(rest, length(name) + 2)
			text = where
			sub(/ .*/, "", where)
			text = substr(text, length(where) + 2)
			printf "%s\n%s\n%s\n", name, where, text >(out "/" n ".edit")
			close(out "/" n ".edit")
		}
	}
	next
}
on && /^```$/ {
	close(block)
	on = 0
	next
}
on {
	print >block
	if (file != "") print >file
}
END {
	if (on) print FILENAME ": the block " on " does not end"
	exit on != 0
}
