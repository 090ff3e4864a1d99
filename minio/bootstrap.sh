#!/bin/sh
# Bring the object store to the declared state: bucket, policies, users, life cycle.
# Needs MinIO's client `mc` and a shell, nothing else: the image has no sed and no grep.
# Running it again changes nothing that is as it should be.
#
#   GARONNE_S3          where the store listens
#   GARONNE_S3_BUCKET   the bucket (garonne-raw)
#   GARONNE_SECRETS     folder with root-user, root-password, writer, writer-secret, reader, reader-secret
#   GARONNE_MINIO       folder with policies/ and lifecycle.json
#   GARONNE_RETENTION_DAYS   days after which raw events are deleted; empty or 0: never
set -eu

secrets=${GARONNE_SECRETS:-/run/garonne}
folder=${GARONNE_MINIO:-/minio}
bucket=${GARONNE_S3_BUCKET:-garonne-raw}
days=${GARONNE_RETENTION_DAYS:-0}
MC_CONFIG_DIR=$(mktemp -d)
export MC_CONFIG_DIR
trap 'rm -rf "$MC_CONFIG_DIR"' EXIT

fail() { printf 'minio.bootstrap.fail %s\n' "$*" >&2; exit 1; }
held() { cat "$secrets/$1"; }

# replaced FILE WHAT BY: the text of the file with every WHAT replaced.
replaced() {
  rest=$(cat "$1")
  while :; do
    case $rest in
      *"$2"*) printf '%s%s' "${rest%%"$2"*}" "$3"; rest=${rest#*"$2"} ;;
      *) printf '%s\n' "$rest"; return ;;
    esac
  done
}

has_policy() { case $(mc --quiet admin policy entities store --user "$1") in *"$2"*) ;; *) return 1 ;; esac; }

case $days in *[!0-9]*) fail "GARONNE_RETENTION_DAYS must be a number of days, not '$days'" ;; esac

# The keys go in by standard input: arguments can be read by every user of the machine.
printf '%s\n%s\n' "$(held root-user)" "$(held root-password)" |
  mc --quiet alias set store "$GARONNE_S3" --api s3v4 >/dev/null ||
  fail "the store at $GARONNE_S3 does not take the root key"

mc --quiet mb --ignore-existing "store/$bucket" || fail "the bucket $bucket cannot be made"

for role in writer reader; do
  policy=garonne-archive-$role
  # The files name the bucket garonne-raw; another name is put in its place.
  replaced "$folder/policies/archive-$role.json" garonne-raw "$bucket" >"$MC_CONFIG_DIR/$role.json"
  mc --quiet admin policy create store "$policy" "$MC_CONFIG_DIR/$role.json" ||
    fail "the policy $policy is refused"
  printf '%s\n%s\n' "$(held "$role")" "$(held "$role-secret")" |
    mc --quiet admin user add store >/dev/null || fail "the user of the archive $role cannot be made"
  has_policy "$(held "$role")" "$policy" ||
    mc --quiet admin policy attach store "$policy" --user "$(held "$role")" ||
    fail "the policy $policy cannot be attached"
done

if [ "$days" -gt 0 ]; then
  replaced "$folder/lifecycle.json" '"Days": 0' "\"Days\": $days" | mc --quiet ilm rule import "store/$bucket" ||
    fail "the life cycle is refused"
else
  mc --quiet ilm rule rm --all --force "store/$bucket" >/dev/null 2>&1 || true
fi

printf 'minio.bootstrap.done bucket=%s retention_days=%s\n' "$bucket" "$days"
