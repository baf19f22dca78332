# How far the plan (see apk-plan.awk) goes, given what came (see obtain) and what the packages hold: prints the progress,
# writes the database, the file lists and the packages that have a post-install script. At the first package that cannot
# be unpacked it ends with apk's words and exit status 1.

BEGIN {
	FS = "|"
	printf "" >scripts
}

function give_up(text) {
	print "ERROR: " text >"/dev/stderr"
	result = 1
	exit result
}

FILENAME == ARGV[1] { sound[$0]; order[++sounds] = $0; next }
FILENAME == ARGV[2] {
	if ($0 == ".PKGINFO") at++
	else if ($0 == ".post-install") has_script[order[at]]
	else if ($0 !~ /\/$/) contents[order[at]] = contents[order[at]] $0 "\n"
	next
}
FILENAME == ARGV[3] { split($0, words, " "); code[words[2]] = words[1]; next }

{ plan[++total] = $0 }

END {
	if (result) exit result
	width = length(total "")
	for (i = 1; i <= total; i++) {
		split(plan[i], field, "|")
		full = field[3] "-" field[4]
		file = field[7]
		printf "(%" width "d/%d) Installing %s (%s)\n", i, total, field[3], field[4]
		if (field[6] in code) {
			print "ERROR: wget: exited with error " code[field[6]] >"/dev/stderr"
			give_up(full ": package mentioned in index not found (try 'apk update')")
		}
		if (!(file in sound)) give_up(full ": file format is invalid or inconsistent")
		n = split(contents[file], paths, "\n")
		for (j = 1; j < n; j++) {
			if (paths[j] in owner) give_up(full ": trying to overwrite " paths[j] " owned by " owner[paths[j]] ".")
			owner[paths[j]] = full
		}
		printf "%s", contents[file] >(db "/" full ".list")
		close(db "/" full ".list")
		printf "Package: %s\nVersion: %s\n%s\n", field[3], field[4], field[5] == "" ? "" : "ABIVersion: " field[5] "\n" >(db "/installed")
		if (file in has_script) print full, file >scripts
	}
}
