//! Names of what is not yet complete: nobody can guess them, and what a shell that is gone has left under one is removed.

/// Chooses a name in the folder that was entered, as `$t`: `.vent.PROCESS.BEGUN.RANDOM.HOST`. Shells remove what they have
/// begun when they end, but not if they are killed, or if the disk fails. So whoever writes into a folder next removes what
/// lies there under such a name and is the account's own, if the shell of that name is no longer there: none of this host
/// has that number, or it began at another time (proc(5), field 22 of `stat`). A folder of that kind holds further names of
/// what stands beside it ([`super::foreign`]); what has no other name is not removed, but for what was unpacked there
/// ([`super::unpack`]). Files of other hosts that share the folder are left alone.
pub const FRESH_NAME: &str = r#"{ read -r t </proc/sys/kernel/random/uuid || t=$(mktemp -u XXXXXXXXXXXXXXXXXXXXXXXX); n=; read -r n </proc/sys/kernel/hostname; } 2>/dev/null
[ -n "$t" ] || exit 10
begun() { b=; read -r b <"/proc/$1/stat"; set -- ${b##*") "}; b=${20}; } 2>/dev/null
for f in .vent.*.*.*."$n"; do
if [ -L "$f" ]; then [ -O . ]; else [ -O "$f" ]; fi || continue
q=${f#.vent.}; begun "${q%%.*}"; q=${q#*.}
[ "$b" != "${q%%.*}" ] || continue
if [ -d "$f" ] && [ ! -L "$f" ]; then
( w=${PWD%/}/$f; cd -P -- "./$f" && [ "$PWD" = "$w" ] && [ -O . ] && rm -rf -- .vent.unpacked && find . ! -type d -links +1 -exec rm -f -- {} + )
rmdir -- "./$f"; else rm -f -- "./$f"; fi
done 2>/dev/null
begun $$; t=.vent.$$.$b.$t.$n
trap 'rm -f -- "./$t"' EXIT
"#;
