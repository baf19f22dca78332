# What apk would install for `world` (names, or "name=version"), given the indexes on the command line, each preceded by
# base=URL/ (empty for the packages that lie in `carried`). Prints one package a line, dependencies first:
#   install||NAME|VERSION|ABI|URL|FILE|SHA256
# or, when the world cannot be had, apk's explanation and nothing else; the exit status is then the number of entries.
# As in apk, everything is chosen before anything is installed, a name that another wanted package provides is met by
# that one, and two packages that provide the same versioned name ("name=version" in Provides) exclude each other.

/^Package: / { count++; package[count] = $2; feed[count] = base; next }
/^Version: / { version[count] = $2; next }
/^ABIVersion: / { abi[count] = $2; next }
/^Filename: / { filename[count] = $2; next }
/^SHA256sum: / { sha256[count] = $2; next }
/^Architecture: / { if ($2 != "noarch" && $2 != arch) skip[count] = 1; next }
/^Depends: / { depends[count] = substr($0, 10); next }
/^Provides: / { provides[count] = substr($0, 11); next }

function full(p) { return package[p] "-" version[p] }

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

function split_need(need,    at) {
	at = index(need, "=")
	wantname = at ? substr(need, 1, at - 1) : need
	wantversion = at ? substr(need, at + 1) : ""
}

# Of several candidates: one that is chosen, one that the world names for its own sake, the one of that very name. None
# that the world pins to another version.
function rank(i, name) {
	if ((package[i] in pinned) && pinned[package[i]] != version[i]) return -1
	return (package[i] in chosen) ? 3 : package[i] == name ? 1 : (package[i] in named) ? 2 : 0
}

function best(need,    i, n, list, winner) {
	split_need(need)
	n = split(candidates[wantname], list, " ")
	winner = 0
	for (i = 1; i <= n; i++) {
		if (rank(list[i], wantname) < 0) continue
		if (!winner || rank(list[i], wantname) > rank(winner, wantname)) winner = list[i]
		else if (package[list[i]] == package[winner] && newer(version[list[i]], version[winner])) winner = list[i]
	}
	return winner
}

function entry(key, title) {
	if (!(key in entries)) { entries[key] = title; order[++entry_count] = key }
}

# One "required by" line a name; further needers stand below the first, as apk aligns them.
function blame(key, word, who) {
	if (blamed[key, word, who]++) return
	entries[key] = entries[key] (seen[key, word]++ ? "\n" sprintf("%" length(word) + 5 "s", "") : "\n    " word " ") who
}

function choose(need, who,    p, i, n, needs) {
	p = best(need)
	if (!p) {
		entry(wantname, "  " wantname " (no such package):")
		blame(wantname, "required by:", who "[" need "]")
		return
	}
	if (wantversion != "" && version[p] != wantversion) {
		entry(full(p), "  " full(p) ":")
		blame(full(p), "breaks:", who "[" need "]")
	}
	if (chosen[package[p]] == p) return
	chosen[package[p]] = p
	n = split(depends[p], needs, /, */)
	for (i = 1; i <= n; i++) if (needs[i] != "") choose(needs[i], full(p))
	sequence[++sequence_length] = p
}

# Names provided with a version have room for one provider; a package's own name counts as such.
function claim(name, what, p,    other) {
	if (!(name in owner)) { owner[name] = p; claimed[name] = what; return }
	other = owner[name]
	if (other == p) return
	exclude(other, p, claimed[name])
	exclude(p, other, what)
}

function exclude(p, other, what) {
	entry(full(p), "  " full(p) ":")
	blame(full(p), "conflicts:", full(other) "[" what "]")
	if (package[p] in named) blame(full(p), "satisfies:", "world[" package[p] "]")
}

# apk keeps its world sorted, and so the order of installing does not depend on who asked for what.
function sort(words, n,    i, j, word) {
	for (i = 2; i <= n; i++) {
		word = words[i]
		for (j = i - 1; j >= 1 && words[j] > word; j--) words[j + 1] = words[j]
		words[j + 1] = word
	}
}

END {
	for (i = 1; i <= count; i++) {
		if (skip[i]) continue
		candidates[package[i]] = candidates[package[i]] " " i
		n = split(provides[i], list, /, */)
		for (j = 1; j <= n; j++) {
			sub(/=.*/, "", list[j])
			if (list[j] != "" && list[j] != package[i]) candidates[list[j]] = candidates[list[j]] " " i
		}
	}
	total = split(world, wanted, /[ \t\n]+/)
	sort(wanted, total)
	for (w = 1; w <= total; w++) {
		split_need(wanted[w])
		named[wantname] = 1
		if (wantversion != "") pinned[wantname] = wantversion
	}
	for (w = 1; w <= total; w++) if (wanted[w] != "") choose(wanted[w], "world")
	for (i = 1; i <= sequence_length; i++) {
		p = sequence[i]
		claim(package[p], package[p] "=" version[p], p)
		n = split(provides[p], list, /, */)
		for (j = 1; j <= n; j++) if (list[j] ~ /=/) {
			what = list[j]
			sub(/=.*/, "", list[j])
			claim(list[j], what, p)
		}
	}
	if (entry_count) {
		print "ERROR: unable to select packages:"
		for (i = 1; i <= entry_count; i++) print entries[order[i]]
		exit entry_count > 250 ? 250 : entry_count
	}
	for (i = 1; i <= sequence_length; i++) {
		p = sequence[i]
		url = feed[p] == "" ? "" : feed[p] filename[p]
		print "install||" package[p] "|" version[p] "|" abi[p] "|" url "|" (url == "" ? carried : dl) "/" filename[p] "|" sha256[p]
	}
}
