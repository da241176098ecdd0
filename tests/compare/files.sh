# Lists what is in this folder: paths, modes, digests; what `returned` says is shown whole.
find . | LC_ALL=C sort | while IFS= read -r path; do
    if [ -L "$path" ]; then
        echo "$path -> $(readlink "$path")"
    elif [ -d "$path" ]; then
        echo "$path/ $(stat -c %a "$path")"
    else
        echo "$path $(stat -c %a "$path") $(sha1sum <"$path" | cut -d' ' -f1)"
    fi
done
[ ! -e returned ] || cat returned
