#!/bin/sh
# The cargo of the unpacked packages around it. It builds in a directory of its own.
here=$(dirname "$(realpath "$0")")
export PATH="$here/usr/bin:$PATH"
export LD_LIBRARY_PATH="$here/usr/lib:$here/usr/lib/x86_64-linux-gnu:$here/lib/x86_64-linux-gnu"
export RUSTC="$here/usr/bin/rustc" RUSTDOC="$here/usr/bin/rustdoc"
export CARGO_INCREMENTAL=0 CARGO_TARGET_DIR="$here/target"
exec "$here/usr/bin/cargo" "$@"
