# An OpenSSH server with a key of its own, for the key whose public half stands in client.pub.
set -e
here=$(pwd)
run=$(mktemp -d)
ssh-keygen -q -t ed25519 -N '' -f "$run/host"
[ "$(id -u)" = 0 ] && mkdir -p /run/sshd
exec "$(command -v sshd || echo /usr/sbin/sshd)" -D -e -f /dev/null -h "$run/host" -o "ListenAddress=$HOST" -o "Port=$PORT" -o PidFile=none \
  -o UsePAM=no -o StrictModes=no -o "AuthorizedKeysFile=$here/client.pub" -o PasswordAuthentication=no
