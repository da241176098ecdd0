# What the lock shell of version 0.1.0 does, word for word between the two lines; then it makes the file $1, holds the
# lock until there is a file $2, and says for whom it waited in $3.
w='`vent run old.yml` of somebody@elsewhere, process 1'
# ---
d=/var/lib/vent; u=$(id -u)
if ! { [ -r "$d/lock" ] && [ -r "$d/lock.commands" ]; }; then
  if [ "$u" = 0 ]; then mkdir -p "$d"; else
    d=${XDG_RUNTIME_DIR:-}; { [ -n "$d" ] && [ -w "$d" ]; } || d=/tmp/vent-$u
    mkdir -p -m 700 "$d"; [ -O "$d" ] || d=
  fi
  [ -n "$d" ] && ( umask 0; for f in lock lock.commands lock.owner; do [ -e "$d/$f" ] || : >"$d/$f"; done )
fi
if [ -n "$d" ] && [ -r "$d/lock" ] && [ -r "$d/lock.commands" ]; then exec 8<"$d/lock" 9<"$d/lock.commands"; else d=; fi
try() {
if [ -z "$d" ]; then r=9
elif ! command -v flock >/dev/null 2>&1; then
  if mkdir "$d/lock.held" 2>/dev/null; then echo $$ >"$d/lock.held/shell"; r=0
  else read p <"$d/lock.held/shell" 2>/dev/null; if kill -0 "${p:-0}" 2>/dev/null && [ "${p:-$$}" != $$ ]; then r=1; else echo $$ >"$d/lock.held/shell"; r=0; fi; fi
elif ! flock -n 8; then r=1
elif flock -n 9; then flock -u 9; r=0
else r=2; fi
printf '%s\n' "$d"
if [ $r = 0 ]; then printf '%s\n' "$w" >"$d/lock.owner"
elif [ $r != 9 ]; then o=$(cat "$d/lock.owner" 2>/dev/null); [ $r = 1 ] && [ "$o" = "$w" ] && r=3; printf '%s\n' "$o"; fi
( exit $r )
}
until try >>"$3"; do sleep 0.3; done
# ---
: >"$1"
until [ -e "$2" ]; do sleep 0.1; done
