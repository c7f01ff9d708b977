#!/usr/bin/env bash
# Makes the passwords and keys that compose.yaml asks for: .env and keys/, for you alone. What is there stays.
set -euo pipefail
cd "$(dirname "$0")"
umask 077
mkdir -p keys
random() { head -c 24 /dev/urandom | base64 | tr -d '/+=\n'; }
[ -e .env ] || printf 'POSTGRES_PASSWORD=%s\nNATS_PASSWORD=%s\n' "$(random)" "$(random)" >.env
[ -e keys/secrets_key ] || head -c 32 /dev/urandom >keys/secrets_key
[ -e keys/media_key ] || printf '%s' "$(random)" >keys/media_key
[ -e keys/seaweedfs_identities.json ] || cat >keys/seaweedfs_identities.json <<JSON
{"identities": [{"name": "telecine",
  "credentials": [{"accessKey": "telecine", "secretKey": "$(cat keys/media_key)"}],
  "actions": ["Read:telecine", "Write:telecine", "List:telecine"]}]}
JSON
# Containers read them as another user; on this host nobody else comes into the folder.
chmod 644 keys/*
echo "keys: made, or there already"
