# Functions of both `deploy` and `destroy`, which source this file and set `me` to their own name.
# shellcheck shell=bash

((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 404)) || {
  echo "$me: this needs bash 4.4 or newer; it is ${BASH_VERSION}" >&2
  exit 1
}
dry=''
# The aws command would show long answers in a pager, and wait for a key.
export AWS_PAGER=''

fail() { echo "$me: $*" >&2; exit 1; }
step() { echo; echo "== $*"; }

# Whether a text has printable ASCII alone: what goes into a call as it is.
is_printable() { local LC_ALL=C; [[ $1 != *[!\ -~]* ]]; }

# Shows a command, and runs it unless this is a dry run.
run() {
  printf '+'; printf ' %q' "$@"; printf '\n'
  [[ -n $dry ]] || "$@"
}

check_names() { # check_names STACK REGION
  [[ $1 =~ ^[a-z][a-z0-9-]{0,27}$ ]] ||
    fail "--stack takes up to 28 of a-z, 0-9 and -, a letter first (it becomes part of a bucket's name)"
  [[ $2 =~ ^[a-z]+(-[a-z]+)+-[0-9]$ ]] || fail "--region is needed, such as eu-central-1"
}

# The caller's account and ARN.
identity() {
  aws sts get-caller-identity --query '[Account,Arn]' --output text ||
    fail "no usable credentials; 'aws sts get-caller-identity' must work first"
}

# The state of a stack; empty if it does not exist. Any other failure of the call ends the script: if it counted as "does not
# exist", a running deployment would get a new secret, or a stack would be left behind.
state_of() { # state_of REGION STACK
  local said
  if said=$(aws cloudformation describe-stacks --region "$1" --stack-name "$2" \
    --query 'Stacks[0].StackStatus' --output text 2>&1); then
    grep -E '^[A-Z_]+$' <<<"$said"
  elif [[ $said != *"does not exist"* ]]; then
    fail "the state of the stack $2 in $1 can't be read: $said"
  fi
}

# What the aws command prints as text, a value a line.
lines() { tr '\t' '\n' | sed '/^None$/d; /^$/d'; }

# Values of a stack, a line each.
stack_value() { # stack_value REGION STACK QUERY
  aws cloudformation describe-stacks --region "$1" --stack-name "$2" --query "Stacks[0].$3" --output text | lines
}

output() { stack_value "$1" "$2" "Outputs[?OutputKey=='$3'].OutputValue"; } # output REGION STACK NAME

# Whether the bucket exists. Its name can be guessed, so somebody else could have created it first; then it is not used.
bucket_is_there() { # bucket_is_there BUCKET ACCOUNT REGION
  local said
  if said=$(aws s3api head-bucket --bucket "$1" --expected-bucket-owner "$2" --region "$3" 2>&1); then
    return 0
  fi
  [[ $said == *"(404)"* ]] ||
    fail "the bucket $1 is not of the account $2, or you have no permission to look at it: $said"
  return 1
}

delete_stack() { # delete_stack REGION STACK
  run aws cloudformation delete-stack --stack-name "$2" --region "$1" &&
    run aws cloudformation wait stack-delete-complete --stack-name "$2" --region "$1"
}
