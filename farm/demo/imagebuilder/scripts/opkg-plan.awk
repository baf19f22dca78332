# What opkg would do for the names in `want` (groups separated by ";"), given the package lists on the command line, each
# preceded by base=URL/ (empty for the packages that lie in `carried`). One instruction a line, fields separated by "|":
#   install|TOP|NAME|VERSION|ABI|URL|FILE|SHA256     uptodate||NAME|VERSION     configure||NAME||||FILE
#   error|TEXT     failed|TOP     end-of-group
# TOP is the wanted package for whose sake NAME is installed: when one fails, its TOP "cannot be installed".
# As in opkg, dependencies follow the package that needs them, a Conflicts line counts only when its owner comes second,
# and a package already there under a provided name satisfies whoever needs that name.

/^Package: / { count++; package[count] = $2; feed[count] = base; next }
/^Version: / { version[count] = $2; next }
/^ABIVersion: / { abi[count] = $2; next }
/^Filename: / { filename[count] = $2; next }
/^SHA256sum: / { sha256[count] = $2; next }
/^Architecture: / { if ($2 != "all" && $2 != arch) skip[count] = 1; next }
/^Depends: / { depends[count] = substr($0, 10); next }
/^Provides: / { provides[count] = substr($0, 11); next }
/^Conflicts: / { conflicts[count] = substr($0, 12); next }

# The numeric parts decide, then the letters: enough for "1.2.5-r4" against "1.2.5-r10".
function newer(a, b,    x, y, n, m, i, u, v) {
	n = split(a, x, /[^0-9A-Za-z]+/)
	m = split(b, y, /[^0-9A-Za-z]+/)
	for (i = 1; i <= n || i <= m; i++) {
		u = x[i]; v = y[i]
		gsub(/[^0-9]/, "", u); gsub(/[^0-9]/, "", v)
		if (u + 0 != v + 0) return u + 0 > v + 0
		if (x[i] != y[i]) return x[i] > y[i]
	}
	return 0
}

function last_name(path) {
	sub(/.*\//, "", path)
	return path
}

# Where the package lies or will lie.
function file(p) {
	if (feed[p] == "") return carried "/" filename[p]
	return dl "/" last_name(filename[p])
}

function remember(name, i) { candidates[name] = candidates[name] " " i }

# "kernel (= 6.6.93-1)" -> wantname, wantversion
function parse_need(need) {
	gsub(/[() ]+/, " ", need)
	split(need, words, " ")
	wantname = words[1]
	wantversion = words[2] == "=" ? words[3] : ""
}

# Of several candidates: the one of that very name, then one that is there, then one that was asked for.
function rank(i, name) {
	return package[i] == name ? 3 : (package[i] in present) ? 2 : (package[i] in asked) ? 1 : 0
}

# The best candidate for a need, 0 when there is none.
function best(need,    i, list, n, chosen) {
	parse_need(need)
	n = split(candidates[wantname], list, " ")
	chosen = 0
	for (i = 1; i <= n; i++) {
		if (wantversion != "" && version[list[i]] != wantversion) continue
		if (!chosen || rank(list[i], wantname) > rank(chosen, wantname)) chosen = list[i]
		else if (package[list[i]] == package[chosen] && newer(version[list[i]], version[chosen])) chosen = list[i]
	}
	return chosen
}

# Errors for every need below p that nothing meets; the number of them. Deepest first, as opkg finds them.
function unresolved(p,    i, n, needs, q, bad, own, below, list) {
	if (p in checked) return checked[p]
	checked[p] = 0
	n = split(depends[p], needs, /, */)
	own = 0; below = 0; list = ""
	for (i = 1; i <= n; i++) {
		if (needs[i] == "") continue
		q = best(needs[i])
		if (!q) {
			print "error|pkg_hash_check_unresolved: cannot find dependency " needs[i] " for " package[p]
			missing[p] = missing[p] " * \t" needs[i] "\n"
			own++
		} else if (q != p && unresolved(q)) {
			list = list missing[q]
			below++
		}
	}
	if (own) print "error|pkg_hash_fetch_best_installation_candidate: Packages for " package[p] " found, but incompatible with the architectures configured"
	if (below && !own) {
		print "error|satisfy_dependencies_for: Cannot satisfy the following dependencies for " package[p] ":"
		n = split(list, needs, "\n")
		for (i = 1; i < n; i++) print "error|" substr(needs[i], 4)
	}
	missing[p] = missing[p] list
	return checked[p] = own + below
}

function mark(p,    i, n, list) {
	present[package[p]] = p
	n = split(provides[p], list, /, */)
	for (i = 1; i <= n; i++) if (list[i] != "" && !(list[i] in present)) present[list[i]] = p
}

# 1 when p may come in beside what is there
function compatible(p,    i, n, list, clash) {
	n = split(conflicts[p], list, /, */)
	clash = 0
	for (i = 1; i <= n; i++) {
		if (!(list[i] in present) || present[list[i]] == p) continue
		if (!clash) print "error|check_conflicts_for: The following packages conflict with " package[p] ":"
		print "error|check_conflicts_for: \t" package[present[list[i]]] " * "
		clash = 1
	}
	return !clash
}

function install(top, p,    i, n, needs, q) {
	if (!compatible(p)) return 0
	mark(p)
	print "install|" top "|" package[p] "|" version[p] "|" abi[p] "|" (feed[p] == "" ? "" : feed[p] filename[p]) "|" file(p) "|" sha256[p]
	n = split(depends[p], needs, /, */)
	for (i = 1; i <= n; i++) {
		if (needs[i] == "") continue
		q = best(needs[i])
		if (wantname in present) continue
		if (!install(top, q)) return 0
	}
	configured[++configures] = p
	return 1
}

function configure_all(    i) {
	for (i = 1; i <= configures; i++) print "configure||" package[configured[i]] "||||" file(configured[i])
	configures = 0
}

END {
	for (i = 1; i <= count; i++) {
		if (skip[i]) continue
		remember(package[i], i)
		n = split(provides[i], list, /, */)
		for (j = 1; j <= n; j++) if (list[j] != "" && list[j] != package[i]) remember(list[j], i)
	}
	total = split(want, wanted, /[ \t\n]+/)
	for (w = 1; w <= total; w++) asked[wanted[w]] = 1
	for (w = 1; w <= total; w++) {
		top = wanted[w]
		if (top == "") continue
		if (top == ";") { configure_all(); print "end-of-group"; continue }
		p = best(top)
		if (!p) { print "failed|" top; continue }
		if (package[p] in present && present[package[p]] == p) { print "uptodate||" package[p] "|" version[p]; continue }
		delete checked
		delete missing
		if (unresolved(p) || !install(top, p)) print "failed|" top
	}
	configure_all()
}
