# "name - version" of each stanza; with strip set, names without the ABI suffix of their library.

/^Package: / { name = $2 }
/^Version: / { version = $2 }
/^ABIVersion: / { if (strip != "" && $2 != "") name = substr(name, 1, length(name) - length($2)) }
/^$/ { print name " - " version }
