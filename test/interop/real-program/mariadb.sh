# A MariaDB with an empty database and one user, in a folder that goes with it.
set -e
PATH="$PATH:/usr/sbin"
data=$(mktemp -d)
mariadb-install-db --no-defaults --datadir="$data" --auth-root-authentication-method=normal --skip-test-db >"$data.log" 2>&1
# One statement a line, as --init-file wants it.
printf '%s\n' "CREATE DATABASE shop;" "CREATE USER weft@'%' IDENTIFIED BY 'woven';" "GRANT ALL ON shop.* TO weft@'%';" >"$data/first.sql"
[ "$(id -u)" = 0 ] && chown -R mysql "$data" && set -- --user=mysql
exec mariadbd --no-defaults --datadir="$data" --socket="$data/socket" --bind-address="$HOST" --port="$PORT" \
  --init-file="$data/first.sql" --innodb-buffer-pool-size=8M --skip-name-resolve "$@"
