# What the scripts beside this file have in common. Sourced, not run.

# shellcheck disable=SC2034,SC2015
set -euo pipefail

root_folder=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root_folder"

# Where a Rust or a Node that `scripts/setup` fetched lives: outside the tree, shared by clones.
tools_folder=${XDG_DATA_HOME:-$HOME/.local/share}/yice
export PATH="$tools_folder/node/bin:$HOME/.cargo/bin:$PATH"

# The folder cargo builds into; CARGO_TARGET_DIR moves it outside the tree.
target_folder=${CARGO_TARGET_DIR:-$root_folder/target}

say() { printf '%s\n' "── $*"; }

fail() {
    printf '%s\n' "$@" >&2
    exit 3
}

# Whether version $1 is at least version $2.
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

# The folder with the programs of the newest PostgreSQL from 15 on that has PostGIS; empty if none.
postgresql_binaries() {
    local candidate folder version newest='' newest_version=0
    candidate=$(pg_config --bindir 2>/dev/null || true)
    for folder in /usr/lib/postgresql/*/bin "$candidate"; do
        [ -x "$folder/postgres" ] && [ -x "$folder/initdb" ] || continue
        version=$("$folder/postgres" --version | sed -E 's/.*\) ([0-9]+).*/\1/')
        [ "$version" -ge 15 ] && [ "$version" -gt "$newest_version" ] || continue
        local share
        share=$("$folder/pg_config" --sharedir 2>/dev/null || echo "/usr/share/postgresql/$version")
        [ -e "$share/extension/postgis.control" ] || continue
        newest=$folder newest_version=$version
    done
    printf '%s' "$newest"
}

# One line that changes whenever a file below the given paths does, or a name among them.
digest_of() {
    find "$@" -type f -not -path '*/node_modules/*' -not -path '*/dist/*' -print0 2>/dev/null |
        LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -d ' ' -f 1
}

# The two functions below check each command themselves: a caller that looks at their result
# switches bash's own checking off.

# Installs the packages of the npm project in folder $1, unless its lock file is as it was.
npm_packages() {
    local folder=$1 lock stamp
    lock=$(sha256sum "$folder/package-lock.json" | cut -d ' ' -f 1) || return
    stamp=$folder/node_modules/.yice-lock
    if [ "$(cat "$stamp" 2>/dev/null || true)" = "$lock" ]; then
        return 0
    fi
    say "installing the packages of $folder by npm"
    npm ci --prefix "$folder" --no-audit --no-fund --loglevel=error || return
    printf '%s\n' "$lock" >"$stamp"
}

# Builds the page into web/dist, unless its sources are as they were.
page() {
    local sources stamp=web/node_modules/.yice-build
    npm_packages web || return
    sources=$(digest_of web)
    if [ -s web/dist/index.html ] && [ "$(cat "$stamp" 2>/dev/null || true)" = "$sources" ]; then
        return 0
    fi
    say "building the page"
    npm run --prefix web build || return
    printf '%s\n' "$sources" >"$stamp"
}

# A TCP port on the loopback address that nobody listens on just now.
free_port() {
    node -e 'const s=require("node:net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})'
}
