# What becomes of the plan (see opkg-plan.awk), given what came (see obtain) and what the packages hold: prints what to say
# and whose postinst to run, in opkg's order, and writes the files to `unpack`, the status file, the file lists and errors.
# A package that fails takes its TOP with it; the rest of its group goes on, the next group does not begin. Exit status 255
# when anything failed.

BEGIN {
	FS = "|"
	printf "" >unpack
}

function complain(text) { print " * " text >>errors }

function fail(top) {
	complain("opkg_install_cmd: Cannot install package " top ".")
	failed_top[top]
	result = 255
}

# The paths of package `name` that another one put there already.
function clashes(name, file,    i, n, paths, found) {
	n = split(contents[file], paths, "\n")
	for (i = 1; i < n; i++) if (paths[i] in owner) {
		complain("check_data_file_clashes: Package " name " wants to install file " root "/" paths[i])
		print "\tBut that file is already provided by package  * " owner[paths[i]] >>errors
		found = 1
	}
	return found
}

function take(name, version, abi, file,    i, n, paths) {
	n = split(contents[file], paths, "\n")
	for (i = 1; i < n; i++) owner[paths[i]] = name
	printf "%s", contents[file] >(info "/" name ".list")
	close(info "/" name ".list")
	printf "Package: %s\nVersion: %s\n%sStatus: install ok installed\n\n", name, version, abi == "" ? "" : "ABIVersion: " abi "\n" >>status
	print file >unpack
	installed[name]
}

FILENAME == ARGV[1] { sound[$0]; order[++sounds] = $0; next }
FILENAME == ARGV[2] {
	if ($0 == "./control") controls++
	else if ($0 == "./postinst") has_script[order[controls]]
	else if ($0 == "./") at++
	else if ($0 !~ /\/$/) contents[order[at]] = contents[order[at]] substr($0, 3) "\n"
	next
}
FILENAME == ARGV[3] { downloaded[$0]; next }
FILENAME == ARGV[4] { split($0, words, " "); code[words[2]] = words[1]; next }

$1 == "end-of-group" && result { exit result }
$1 == "error" { complain($2) }
$1 == "failed" { fail($2) }
$1 == "uptodate" { print "say|Package " $3 " (" $4 ") installed in root is up to date." }
$1 == "configure" && ($3 in installed) {
	print "say|Configuring " $3 "."
	if ($7 in has_script) print "run|" $3 "|" $7
}
$1 == "install" && !($2 in failed_top) {
	print "say|Installing " $3 " (" $4 ") to root..."
	if ($6 in downloaded) print "say|Downloading " $6
	if ($6 in code) {
		complain("opkg_download: Failed to download " $6 ", wget returned " code[$6] ".")
		if (code[$6] == 4) complain("opkg_download: Check your network settings and connectivity.\n")
		complain("opkg_install_pkg: Failed to download " $3 ". Perhaps you need to run 'opkg update'?")
		fail($2)
	} else if (!($7 in sound)) {
		complain("opkg_install_pkg: Checksum or size mismatch for package " $3 ". Either the opkg or the package index are corrupt. Try 'opkg update'.")
		fail($2)
	} else if (clashes($3, $7)) fail($2)
	else take($3, $4, $5, $7)
}

END { exit result }
