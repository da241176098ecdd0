//! Unpacking an archive by a program that goes by paths, such as `tar`, in a folder in which another user could exchange one
//! thing for another meanwhile.
//!
//! Where all folders that are unpacked into are ours ([`super::foreign`]), the program unpacks there. Anywhere else it does so
//! in a folder of our own within the one that is meant, and what it has made is moved from there, each folder being entered
//! once. So that the program does with what is there already what it would have done (keeps what is newer, puts a folder in
//! the place of a link, leaves a folder that the archive does not hold itself as it is), it unpacks a second time if anything
//! stands in its way: the first time shows which names are meant, the second finds something at each of them. A file is there
//! under a second name; a folder with its mode, owner and time; a link as one that leads to an empty folder, and if anything
//! was put in that, nothing is moved: where a link of others leads cannot be told for long.

use super::foreign::{OURS, apart, inside};
use super::quote;
use super::temporary::FRESH_NAME;
use super::write::{Identity, NO_RENAME, NO_ROOM, enter};

/// What is to be unpacked, and where.
#[derive(Clone, Copy, Debug)]
pub struct Unpacking<'a> {
    /// The folder, and which one it was when the step was planned.
    pub folder: &'a str,
    /// Device and inode.
    pub identity: Option<Identity>,
    /// All folders that could be written in, relative to that one, each behind those above it; `None` if that is not known.
    pub folders: Option<&'a [String]>,
    /// What the program does depends on files that are there, not only on folders and links.
    pub heeds_files: bool,
    /// The command, with `"$d"` for the folder. It runs in the folder that its shell was started in.
    pub command: &'a str,
}

/// Shell text that unpacks; it needs `/proc` where a folder is not ours.
///
/// What is unpacked lies in `.vent.unpacked` in a folder as [`apart`] makes it: what a killed shell leaves there is removed
/// with it ([`FRESH_NAME`]). Descriptor 7 is that folder, a name for it that nobody can exchange. `mark` tells whether files
/// can be moved from there; into another file system they are copied, in a folder of our own again.
pub fn unpack(unpacking: &Unpacking<'_>) -> String {
    let sure = match unpacking.folders {
        Some(folders) => {
            let folders: String = folders
                .iter()
                .map(|folder| format!(" {}", quote(&format!("./{folder}"))))
                .collect();
            format!("sure .{folders}")
        }
        None => "below_ours && [ -z \"$(find . -type l -print 2>/dev/null | head -c 1)\" ]".into(),
    };
    format!(
        "{}{OURS}{}{}{FIXED}\
         fresh() {{\n{FRESH_NAME}}}\n{STAGED}{FILLED}{MERGE}\
         matters() {{ {}; }}\n\
         fill() {{ {}; }}\n\
         exec 7<. || exit {NO_ROOM}\n\
         if ours && {sure}; then d=/proc/self/fd/7; [ -d \"$d/.\" ] || d=$PWD; cd -- \"$O\" 2>/dev/null; fill; exit; fi\n\
         [ -d /proc/self/fd/7/. ] || {{ echo 'no /proc' >&2; exit {NO_RENAME}; }}\n\
         staged filled\n",
        enter(unpacking.folder, unpacking.identity),
        inside(),
        apart(),
        unpacking.heeds_files,
        unpacking.command,
    )
}

/// `sure FOLDER...`: all that are there are ours, and so is every folder on the way to where one that is a link leads; no
/// second link is on that way. Who owns a folder in which only owners may rename (sticky) can still do so.
const FIXED: &str = r#"sure() {
for p do [ ! -L "$p" ] || leads "$p" || return; done
for s in $(printf '%s\0' "$@" | xargs -0 stat -L -c %u:%a -- 2>/dev/null); do kept "$s" || return; done
}
leads() { (
cd -P -- "${1%/*}" && l=$(readlink -- "./${1##*/}") || exit
case $l in /*) ;; *) l=./$l;; esac
cd -- "$l" && [ "$PWD" = "$(pwd -P)" ] || exit
while s=$(stat -c %u:%a .); do
case ${s#*:} in [1357]???) s=${s%:*}:755;; esac
kept "$s" || exit; [ "$PWD" != / ] || exit 0; cd -P ..
done; exit 1
) 2>/dev/null; }
"#;

/// `staged COMMAND...`: does something in a new folder of ours, which fills `tree` there, and moves what is in `tree` to `.`.
const STAGED: &str = r#"staged() { i=$(stat -c %d:%i .) || return; apart unpacked "$@"; }
outside() { cd -P ../.. && [ "$(stat -c %d:%i .)" = "$i" ] || exit 14; }
unpacked() {
( trap - EXIT
mkdir .vent.unpacked && cd -P .vent.unpacked && exec 8<&7 7<. && : >mark || exit 10
"$@" || exit
outside; merge . )
set -- $?; rm -rf -- .vent.unpacked; return $1
}
there() { [ -e "$1" ] || [ -L "$1" ]; }
folder() { [ -d "$1" ] && [ ! -L "$1" ]; }
attributes() { stat -c '%u:%g %a %Y' -- "$1"; }
alike() {
w=$2; set -- $1
if [ "$(stat -c '%u:%g %a' -- "$w")" != "$1 $2" ]; then
chown "$1" "$w" 2>/dev/null || [ "$u" != 0 ] || return
chmod "$(printf %05d "$2")" "$w" || return
fi
touch -d "@$3" -- "$w"
}
"#;

/// `filled`: fills `tree`, a second time if anything is there already.
const FILLED: &str = r#"into_tree() { ( cd -- "$O" 2>/dev/null; d=/proc/self/fd/7/tree; fill ); }
filled() {
mkdir tree && alike "$(attributes ../..)" tree || return 10
into_tree || return
in_the_way || return 0
mv tree first && mkdir tree linked || return 10
( outside; mirror . ) || return
! matters || ( cd tree && single ) || return
rm -rf first; into_tree || return
f=$(find linked -mindepth 1 -print | head -n 1)
[ -z "$f" ] || { printf '%s: it would be unpacked behind a link that another user could exchange; unpack it where the link leads, or take the link away\n' "${f#linked/}" >&2; return 14; }
}
in_the_way() {
for f in tree/* tree/.[!.]* tree/..?*; do
there "$f" && there "../../${f#tree/}" || continue
if matters || folder "$f"; then return; fi
done; return 1
}
mirror() {
m=/proc/self/fd/7/first/$1; q=/proc/self/fd/7/tree/$1
for f in "$m"/* "$m"/.[!.]* "$m"/..?*; do n=${f##*/}
there "$f" && there "./$n" && [ ! -L "./$n" ] && [ ! -d "./$n" ] || continue
if matters || folder "$f"; then printf '%s\0' "$n"; fi
done | xargs -0 -r sh -c 'd=$1; shift; exec ln -- "$@" "$d"' sh "$q/" || return 12
for f in "$m"/* "$m"/.[!.]* "$m"/..?*; do n=${f##*/}
there "$f" || continue
if [ -L "./$n" ]; then ln -s /proc/self/fd/7/linked "$q/$n" && touch -h -d "@$(stat -c %Y -- "./$n")" -- "$q/$n" || return 10
elif [ -d "./$n" ]; then mkdir -- "$q/$n" && inside "$n" mirror "$1/$n" || return; fi
done
alike "$(attributes .)" "$q"
}
"#;

/// `merge FOLDER`: moves what is in that folder of `tree` to `.`.
const MERGE: &str = r#"merge() {
fresh; m=/proc/self/fd/7/tree/$1
a=$(attributes "$m") || return 12
if [ "$1" != . ]; then
ln -- /proc/self/fd/7/mark "./$t" 2>/dev/null || { trap - EXIT; staged across "$1"; return; }
rm -f -- "./$t"
fi
r=0
for f in "$m"/* "$m"/.[!.]* "$m"/..?*; do n=${f##*/}
there "$f" || continue
if [ -L "$f" ]; then [ ! "$f" -ef /proc/self/fd/7/linked ] || continue
elif [ -d "$f" ]; then ! folder "./$n" || continue; ! there "./$n" || rm -f -- "./$n"
elif [ ! -L "./$n" ] && [ "$f" -ef "./$n" ]; then continue; fi
folder "$f" || ! folder "./$n" || rmdir -- "./$n"
printf '%s\0' "$f"
done | xargs -0 -r sh -c 'exec mv -f -- "$@" .' sh || r=12
for f in "$m"/* "$m"/.[!.]* "$m"/..?*; do ! folder "$f" || inside "${f##*/}" merge "$1/${f##*/}" || r=$?; done
[ "$u" != 0 ] && [ ! -O . ] || alike "$a" . || r=12
return $r
}
across() { cp -a -- "/proc/self/fd/8/tree/$1" tree; }
"#;
