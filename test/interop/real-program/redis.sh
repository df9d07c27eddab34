# A Redis that keeps nothing, where the mesh says.
exec redis-server --bind "$HOST" --port "$PORT" --save '' --appendonly no --dir "$(mktemp -d)"
