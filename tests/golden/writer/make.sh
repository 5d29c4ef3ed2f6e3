#!/usr/bin/env bash
# make.sh WRITER STENO OUT MINOR: runs each scenario of WRITER, and has STENO, the decoder of the same
# commit, show each dump. All of it happens in a folder with a neutral name, as ring directories name
# their dump's path.
set -euo pipefail
writer=$1 steno=$2 out=$3 minor=$4
work=/tmp/golden
rm -rf "$work"
mkdir -p "$work"
cd "$work"
unset STENOLOG RUST_LOG
export TZ=UTC

# A scenario that ends by a signal.
dies() { "$writer" "$@" 2>/dev/null && return 1 || true; }

for scenario in values specs threads losses; do "$writer" "$scenario" "$scenario.steno"; done
dies unsealed unsealed.steno
# Aside, as a later logger would seal it. The last frame of the other one is cut in its middle.
cp unsealed.steno unsealed.aside
# The last block is before its summary since 1.4.
cut=$([ "$minor" -ge 4 ] && echo 200 || echo 40)
head -c "-$cut" unsealed.steno >torn.steno
if [ "$minor" -ge 1 ]; then
    "$writer" deleted deleted.steno
    # Again, if the drain was awake still and wrote what the rings were to keep.
    for _ in 1 2 3 4 5 6 7 8 9; do
        rm -rf killed
        mkdir killed
        dies killed killed/killed.steno killed
        "$steno" killed/killed.steno >/dev/null 2>killed.err || true
        grep -q '22 records came from' killed.err && break
    done
    grep -q '22 records came from' killed.err
    rm killed.err
fi
if [ "$minor" -ge 2 ]; then
    for how in adaptive fast none; do "$writer" compressed "$how.steno" "$how"; done
    "$steno" export --to steno none.steno -o exported.steno
fi
if [ "$minor" -ge 3 ]; then
    "$writer" collections collections.steno
    "$writer" exchanged exchanged.steno
    dies volatile volatile.steno
fi
if [ "$minor" -ge 4 ]; then
    "$writer" grouped grouped.steno
    "$steno" export --to steno grouped.steno -o repacked.steno
fi
if [ "$minor" -ge 5 ]; then
    "$writer" spans spans.steno
    "$steno" export --to steno spans.steno -o spans_repacked.steno
    mkdir spans_killed
    dies spans-killed spans_killed/spans_killed.steno spans_killed
    "$writer" packages packages.steno
fi
cp unsealed.aside unsealed.steno
rm unsealed.aside

# What STENO shows: a dump beside its rings with them, others without.
show() { # show DUMP NAME ARGUMENTS
    dump=$1 name=$2
    shift 2
    "$steno" --utc --color never -o short "$@" "$dump" >"$name.txt" || true
    "$steno" --utc --color never -o json "$@" "$dump" >"$name.json" || true
}
for dump in *.steno; do show "$dump" "${dump%.steno}" --no-rings; done
"$steno" --utc --color never -o verbose values.steno >values.verbose.txt
if [ -e killed ]; then show killed/killed.steno killed/killed --rings killed; fi
if [ -e spans_killed ]; then show spans_killed/spans_killed.steno spans_killed/spans_killed --rings spans_killed; fi
rm -rf "$out"
mkdir -p "$(dirname "$out")"
cp -r "$work" "$out"
chmod -R u=rwX,go=rX "$out"
