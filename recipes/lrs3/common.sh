# What the three scripts share; sourced by them.
source "$(dirname "${BASH_SOURCE[0]}")/../common.sh"
conf=$root/recipes/lrs3/conf

# configs NAME [STAGE]: --config options, each file overriding those before it. A method whose file NAME.STAGE names a
# class has a stage of its own; all others change that of ID-FaceVC.
configs() {
  local file stage=${2:-}
  [ "$1" = id-facevc ] || [ -f "$conf/$1.yaml" ] || fail "unknown configuration $1; there are files of that name in $conf"
  if [ -n "$stage" ] && grep -qs class_path "$conf/$1.$stage.yaml"; then stage=""; fi
  for file in ${stage:+"$stage"} idfacevc "$1" ${2:+"$1.$2"}; do
    if [ -f "$conf/$file.yaml" ]; then printf '%s\n' --config "$conf/$file.yaml"; fi
  done
}

# features NAME: configurations that read the same features share a folder
features() {
  case $1 in
    id-facevc-wo-id-f | id-facevc-wo-id-s | id-facevc-wo-identity) echo features/id-facevc ;;
    facevc | sp-facevc | face2speech) echo features/fvmvc ;;
    *) echo "features/$1" ;;
  esac
}
