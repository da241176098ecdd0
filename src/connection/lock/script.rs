//! What a lock shell is taught, and what it says about the lock.
//!
//! An account's lock lies in a folder that is its own: mode 0700, and above it only folders in which nobody but root and
//! the account can put something else in its place. So nobody else can open its files, hold them, or write what others
//! are told. The files there:
//!
//! | file | held |
//! |---|---|
//! | `lock` | exclusively, by the lock shell of the run |
//! | `lock.commands` | shared, by every other shell of the run as this account, and by the wrapper of a command that outlives it |
//! | `lock.gate` | exclusively, for the moment in which somebody looks at the others, so that `lock.owner` fits them |
//! | `lock.owner` | not at all: it says who has the lock |
//!
//! Version 0.1.0 locked the same `lock` and `lock.commands`, but let everybody open them. Files of root that others may
//! have open are waited for and then put aside into `old`, where they are held too, since a run of 0.1.0 may wait at them.
//! Who is not root and holds them longer than the time-out is passed over: they are removed. Where 0.1.0 locked for an
//! account with a session (`$XDG_RUNTIME_DIR`), the lock is held a second time.

use crate::words::quote;

/// What the shell is taught. Afterwards `b` is the folder of the lock, or nothing if there is no place for it, and `x`
/// the second one of an account with a session.
pub const LESSON: &str = r#"u=$(id -u) b= x=
above_is_safe() { (
  p=$1
  while [ -n "$p" ]; do
    p=${p%/*}
    case $(stat -c '%u%A' -- "${p:-/}") in 0l* | 0d????-??-? | "$u"d????-??-? | 0d????????[tT]) ;; *) exit 1 ;; esac
  done
) 2>/dev/null; }
place() {
  case $1 in /*) ;; *) return 1 ;; esac
  p=$(cd -P -- "${1%/*}/" 2>/dev/null && pwd -P) && p=${p%/}/${1##*/} && above_is_safe "$1" && above_is_safe "$p"
}
is_own() { [ ! -L "$1" ] && case $(stat -c '%u%A' -- "$1" 2>/dev/null) in "$u"drwx--[-S]---) ;; *) false ;; esac; }
made() { place "$1" && { mkdir -m 700 -- "$p" 2>/dev/null; is_own "$p"; }; }
is_open_to_others() { case $(stat -c '%u%A' -- "$1" 2>/dev/null) in '' | "$u"-rw-------) false ;; esac; }
fresh() { ( umask 077; : >"$b/$1.new" ) && mv -f -- "$b/$1.new" "$b/$1"; }
files() {
  for f in lock lock.commands lock.gate; do [ -e "$1/$f" ] || ( umask 077; : >>"$1/$f" ); done 2>/dev/null
  [ -r "$1/lock" ] && [ -r "$1/lock.commands" ] && [ -r "$1/lock.gate" ]
}
holder() {
  o= r=5 i=$(stat -L -c %i "/proc/self/fd/$1")
  for n in $(grep -rsl "^lock:.*FLOCK.*:$i 0 EOF" /proc/[0-9]*/fdinfo); do
    [ "${n%/fdinfo/*}/fd/${n##*/}" -ef "/proc/self/fd/$1" ] || continue
    n=${n#/proc/} n=${n%%/*}
    k=$(sed -n 's/^Uid:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$n/status" 2>/dev/null)
    [ -n "$k" ] && o="process $n of $(id -un "$k" 2>/dev/null || echo "account $k")" || continue
    [ "$k" = 0 ] || { r=4; return; }
  done
}
owner() { if [ "$u" = 0 ] && is_open_to_others "$1/lock.owner"; then o=; else o=$(cat "$1/lock.owner" 2>/dev/null); fi; }
write_owner() { ( umask 077; printf '%s\n' "$w" >"$1/lock.owner.new" ) && mv -f -- "$1/lock.owner.new" "$1/lock.owner"; }
busy() { owner "$1"; if [ $r = 1 ] && [ "$o" = "$w" ]; then r=3; fi; }
try_old() {
  exec 5<"$1/lock" 6<"$1/lock.commands"
  if ! flock -n 5; then holder 5; elif ! flock -n 6; then holder 6; else flock -u 6; fi
  if [ $r = 4 ] && [ "$t" = 1 ]; then exec 5<&- 6<&-; rm -rf -- "$b/old"; r=6; fi
}
put_aside() {
  if [ $r = 0 ]; then
    mkdir -m 700 -- "$b/old" 2>/dev/null
    for f in lock lock.commands; do ! is_open_to_others "$b/$f" || ln -f -- "$b/$f" "$b/old/$f"; done
  fi
}
renew() { for f in lock lock.commands lock.gate lock.owner; do ! is_open_to_others "$b/$f" || fresh "$f" || r=9; done; }
can_go_on() { [ $r = 0 ] || [ $r = 6 ]; }
try_second() {
  exec 5<"$x/lock" 6<"$x/lock.commands"
  if ! flock -n 5; then r=1; elif ! flock -n 6; then r=2; else flock -u 6; fi
  [ $r = 0 ] || busy "$x"
}
try_folder() {
  if mkdir -- "$b/lock.held" 2>/dev/null; then echo $$ >"$b/lock.held/shell"; return; fi
  for i in 1 2 3 4 5 6 7 8 9 10; do
    p=; read -r p <"$b/lock.held/shell"; r=0
    if kill -0 "${p:-0}" && [ "$p" != $$ ]; then r=1; busy "$b"; fi
    { [ -z "$p" ] || [ $r = 1 ]; } || break
    sleep 0.1 || sleep 1
  done 2>/dev/null
  if [ -z "$p" ] || [ $r = 0 ]; then echo $$ >"$b/lock.held/shell"; r=0; fi
}
try_new() {
  s=$r h=$o; exec 8<"$b/lock" 9<"$b/lock.commands"
  if ! flock -n 8; then r=1; busy "$b"; elif ! flock -n 9; then r=2; busy "$b"; else flock -u 9; r=$s o=$h; fi
}
try_all() {
  if [ "$u" != 0 ]; then
    if [ -n "$x" ] && files "$x"; then try_second; fi
    ! can_go_on || try_new
  elif is_open_to_others "$b/lock"; then
    try_old "$b"
    if can_go_on; then put_aside; renew; fi
    ! can_go_on || try_new
  else
    renew
    ! can_go_on || try_new
    if [ $r = 0 ] && [ -e "$b/old/lock" ] && [ -e "$b/old/lock.commands" ]; then try_old "$b/old"; fi
  fi
}
try() {
  o= r=0
  if [ -z "$b" ] || ! files "$b"; then r=9
  elif ! command -v flock >/dev/null 2>&1; then try_folder
  else exec 7<"$b/lock.gate"; flock 7; try_all; fi
  if can_go_on; then write_owner "$b"; [ -z "$x" ] || write_owner "$x"; else exec 5<&- 6<&- 8<&- 9<&-; fi
  exec 7<&-
  printf '%s\n%s\n' "$b" "$o"
  ( exit $r )
}
if [ "$u" = 0 ]; then
  ( umask 022; mkdir -p /var/lib )
  if made /var/lib/vent; then b=$p
  elif [ ! -L "$p" ]; then
    case $(stat -c '%u%A' -- "$p" 2>/dev/null) in 0d????-??-?) chmod 700 -- "$p"; ! is_own "$p" || b=$p ;; esac
  fi
else
  if made "/tmp/vent-$u" || made "${HOME:-}/.vent"; then b=$p; fi
  if place "${XDG_RUNTIME_DIR:-/run/user/$u}" && is_own "$p"; then x=$p; fi
  if [ -z "$b" ]; then b=$x x=; fi
fi
"#;

/// One attempt: `owner` is what others are told if it succeeds. The last one passes over who is not root and holds the
/// files of 0.1.0.
pub fn attempt(owner: &str, is_last: bool) -> String {
    format!("w={} t={}; try", quote(owner), u8::from(is_last))
}

/// How an attempt ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Attempt {
    /// The lock is held; where it lies.
    Held {
        /// The folder of its files.
        folder: String,
        /// Another shell of the same run holds it: the host has several names, or a run was started by a run.
        by_another_shell: bool,
        /// Who was passed over.
        passed: Option<String>,
    },
    /// Somebody else has it.
    Busy(Holder),
    /// There is no folder for it.
    NoPlace,
}

/// Who has a lock.
#[derive(Debug, PartialEq, Eq)]
pub struct Holder {
    /// What it calls itself; for a run of 0.1.0 its process and account.
    pub name: String,
    /// What it is.
    pub kind: HolderKind,
}

/// What has a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HolderKind {
    /// A run.
    Run,
    /// A command that has outlived its run.
    Command,
    /// What holds the files of 0.1.0.
    OldRun,
}

impl Attempt {
    /// Reads what the shell answered.
    pub fn read(code: i32, stdout: &[u8]) -> Attempt {
        let text = String::from_utf8_lossy(stdout);
        let (folder, name) = text.split_once('\n').unwrap_or((&text, ""));
        let shown = |otherwise: &str| -> String {
            let clean = name.trim().chars().filter(|c| !c.is_control());
            let clean: String = clean.take(200).collect();
            if clean.is_empty() { otherwise.into() } else { clean }
        };
        let busy = |otherwise, kind| {
            Attempt::Busy(Holder {
                name: shown(otherwise),
                kind,
            })
        };
        match code {
            0 | 3 | 6 => Attempt::Held {
                folder: folder.into(),
                by_another_shell: code == 3,
                passed: (code == 6).then(|| shown("a process")),
            },
            1 => busy("another run", HolderKind::Run),
            2 => busy("another run", HolderKind::Command),
            4 | 5 => busy("a process that is not to be seen", HolderKind::OldRun),
            _ => Attempt::NoPlace,
        }
    }
}

impl Holder {
    /// What is said while a run waits.
    pub fn waiting(&self, host: &str) -> String {
        let name = &self.name;
        match self.kind {
            HolderKind::Run => format!("{host} is in use by {name}; waiting for it"),
            HolderKind::Command => {
                format!("{host} still runs a command of {name}, which has ended; waiting for the command")
            }
            HolderKind::OldRun => {
                format!("{host} is in use by {name}, which holds the lock of Vent 0.1.0; waiting for it")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_holder_wrote_is_shown_as_one_plain_line() {
        let long = "x".repeat(300);
        let answer = format!("/var/lib/vent\n`vent run a`\x1b[2J\rof b\nand c{long}\n");
        let Attempt::Busy(holder) = Attempt::read(1, answer.as_bytes()) else {
            panic!("it is not busy");
        };
        assert!(
            holder.name.starts_with("`vent run a`[2Jof band cxxx"),
            "{}",
            holder.name
        );
        assert_eq!(holder.name.len(), 200);
        let nameless = Attempt::read(2, b"/var/lib/vent\n\n");
        let Attempt::Busy(holder) = nameless else {
            panic!("it is not busy");
        };
        assert_eq!(
            holder.waiting("web"),
            "web still runs a command of another run, which has ended; waiting for the command"
        );
    }
}
