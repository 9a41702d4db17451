#!/bin/sh
# unpack.sh SUITE FOLDER: Neovim of a Debian suite that is newer than this system's, unpacked into FOLDER with every library
# it needs, libc included. Nothing is installed. FOLDER/nvim starts it.
set -eu
suite=$1
mkdir -p "$2"
folder=$(cd "$2" && pwd)
state=$folder/apt
# The system's own mirror; the one for security updates is laid out differently.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' | grep -v security | head -n 1)
mkdir -p "$state/lists/partial" "$state/cache/archives/partial" "$state/empty"
: >"$state/status" # nothing counts as installed, so every dependency comes
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$state/sources.list"
apt() {
  apt-get -qq -o Dir::Etc::sourcelist="$state/sources.list" -o Dir::Etc::sourceparts="$state/empty" \
    -o Dir::Etc::preferencesparts="$state/empty" -o Dir::State::lists="$state/lists" \
    -o Dir::State::status="$state/status" -o Dir::Cache="$state/cache" -o APT::Sandbox::User=root -o Debug::NoLocking=1 "$@"
}
apt update
apt install -y --no-install-recommends --download-only neovim >/dev/null
for package in "$state"/cache/archives/*.deb; do dpkg-deb -x "$package" "$folder/root"; done
rm -rf "$state"
loader=$(find "$folder/root" -name 'ld-linux-*.so.*' | head -n 1)
libraries=$(dirname "$(find "$folder/root" -name libc.so.6 | head -n 1)")
# Started through its own loader it does not know where it lies.
cat >"$folder/nvim" <<WRAPPER
#!/bin/sh
export VIMRUNTIME="$folder/root/usr/share/nvim/runtime"
exec "$loader" --library-path "$libraries:$folder/root/usr/lib/$(basename "$libraries")" "$folder/root/usr/bin/nvim" \\
  --cmd "set runtimepath^=$folder/root/usr/lib/nvim" "\$@"
WRAPPER
chmod +x "$folder/nvim"
