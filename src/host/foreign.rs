//! Shell text for folders in which another user could exchange one thing for another while Vent is at work.
//!
//! A folder is ours if it belongs to root or to the account that acts, and nobody else may write in it; an access control
//! list that lets others in shows as a writable group. In such a folder, and in a tree of such folders, a name stands for
//! what it stood for. In any other folder only two things are sure: the folder that was entered, as `.`, and what has a
//! name in a folder of our own. So things in it are linked into one, which no opening is needed for, and changed there.

use super::temporary::FRESH_NAME;
use super::write::{DIVERTED, EXCHANGED, NO_RENAME, NO_ROOM};

/// Defines `ours`, which tells whether `.` is ours; `kept`, whether a folder is by its owner and mode as `UID:MODE`; and `below_ours`, whether all folders in it are. Whoever can put
/// something in a folder that is ours is us: such a tree stays one until we give a part of it away.
pub const OURS: &str = r#"u=$(id -u) || exit 12
kept() { case ${1%:*} in 0|"$u") ;; *) return 1;; esac; case ${1#*:} in *[2367]|*[2367]?) return 1;; esac; }
ours() { s=$(stat -c %u:%a .) && kept "$s"; }
below_ours() { [ -z "$(find . -type d \( ! -user 0 ! -user "$u" -o -perm -020 -o -perm -002 \) -print 2>/dev/null | head -c 1)" ]; }
"#;

/// Defines `inside FOLDER COMMAND...`, which does something in a folder of `.`, if it is still there and no link.
pub fn inside() -> String {
    format!(
        "inside() {{ ( w=${{PWD%/}}/$1; cd -P -- \"./$1\" || exit {NO_ROOM}; \
         [ \"$PWD\" = \"$w\" ] || {{ printf '%s became a link to %s\\n' \"$w\" \"$PWD\" >&2; exit {DIVERTED}; }}; shift; \"$@\" ); }}\n"
    )
}

/// Defines `apart COMMAND...`, which does something in a new folder of our own in `.`, where `..` is the folder that was
/// `.`, and removes it with all links in it; and `single`, which refuses what has more names than this folder's and one
/// other, where the kernel lets anybody link anything.
///
/// Whoever owns the folder around it may give it another name, but can neither move it elsewhere, nor enter it, nor make
/// one that is ours. A folder that is ours and was put in its place is noticed if there is anything in it.
pub fn apart() -> String {
    format!(
        "apart() {{\n{FRESH_NAME}trap 'rmdir -- \"./$t\" 2>/dev/null' EXIT\n\
         (umask 077; mkdir -- \"./$t\") || return {NO_ROOM}\n\
         ( trap - EXIT; w=${{PWD%/}}/$t; cd -P -- \"./$t\" && [ \"$PWD\" = \"$w\" ] && [ -O . ] || exit {DIVERTED}\n\
         vacant && chmod 700 . && vacant || exit {EXCHANGED}\n\
         trap 'rm -f -- ./* ./.[!.]* ./..?* 2>/dev/null; vacant || find . ! -type d -exec rm -f -- {{}} +' EXIT; \"$@\" )\n\
         set -- $?; rmdir -- \"./$t\"; trap - EXIT; return $1\n}}\n\
         vacant() {{ for f in * .[!.]* ..?*; do if [ -e \"$f\" ] || [ -L \"$f\" ]; then return 1; fi; done; }}\n\
         single() {{\n\
         l=; {{ read -r l </proc/sys/fs/protected_hardlinks; }} 2>/dev/null; [ \"$l\" != 1 ] || return 0\n\
         f=$(find . ! -type d -links +2 -print) || return {NO_RENAME}\n\
         [ -z \"$f\" ] || {{ printf 'it has another name elsewhere, and fs.protected_hardlinks is off: %s\\n' \"$f\" >&2; return {EXCHANGED}; }}\n}}\n",
    )
}

/// Defines `remove NAME`: removes what has this name in `.`, with everything in it. GNU's `rm` never leaves the folder
/// that it is in; others go by paths, and only where these are sure.
pub fn removing() -> String {
    format!(
        "{}{}\
         remove() {{\n\
         if [ -L \"./$1\" ] || [ ! -d \"./$1\" ]; then rm -f -- \"./$1\"; return; fi\n\
         case $(rm --version 2>/dev/null) in *GNU*) rm -rf -- \"./$1\"; return;; esac\n\
         inside \"$1\" clear && rmdir -- \"./$1\"\n}}\n\
         clear() {{\n\
         if ours && below_ours; then find . -mindepth 1 -maxdepth 1 -exec rm -rf -- {{}} +; return; fi\n\
         r=0; for f in * .[!.]* ..?*; do [ -d \"$f\" ] && [ ! -L \"$f\" ] || continue\n\
         inside \"$f\" clear && rmdir -- \"./$f\" || r=$?; done\n\
         find . -mindepth 1 -maxdepth 1 ! -type d -exec rm -f -- {{}} + || r=1; return $r\n}}\n",
        OURS,
        inside()
    )
}
