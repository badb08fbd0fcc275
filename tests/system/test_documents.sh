#!/usr/bin/env bash
# The documents: every shell block marked `<!-- run -->` in a Markdown file is run as it stands, beside small
# inputs under the names used there; a wrapper around the program makes model, batch and steps small.
. "$(dirname "$0")/../support/system.sh"
cd "$scratch" || exit 1
mkdir -p base/build/release base/tools base/my_texts
cat >base/build/release/bertha <<S
#!/usr/bin/env bash
command=\$1; shift
case \$command in
  vocab) set -- "\$@" --vocab.size 200 ;;
  pretrain) set -- "\$@" ${tiny[*]} --train.global_batch 4 --train.steps 2 --train.micro_batch_tokens 1024 ;;
  finetune) set -- "\$@" --task.epochs 1 ;;
esac
# An option given twice: the shrunk value has to win alone.
kept=() names=" "
while [ \$# -gt 0 ]; do all+=("\$1"); shift; done
for ((i = \${#all[@]} - 1; i >= 0; --i)); do
  if [[ \${all[i]} == --*.* ]]; then
    [[ \$names == *" \${all[i]} "* ]] || kept=("\${all[i]}" "\${values[@]}" "\${kept[@]}")
    names+="\${all[i]} "; values=()
  else values=("\${all[i]}" "\${values[@]}"); fi
done
exec "$bertha" "\$command" "\${values[@]}" "\${kept[@]}"
S
cat >base/tools/mpirun <<S
#!/usr/bin/env bash
[ "\$1" = -n ] && shift 2
exec $(command -v mpirun) --oversubscribe --bind-to none -n 2 "\$@"
S
# Slurm's two commands, as far as the guide needs them: the real batch script runs, at once and alone.
cat >base/tools/sbatch <<'S'
#!/usr/bin/env bash
while [[ $1 == --* ]]; do shift 2; done
script=$1; shift
grep -q '^#SBATCH --requeue' "$script" || exit 1
SLURM_SUBMIT_DIR=$PWD SLURM_JOB_ID=1 exec bash "$script" "$@"
S
cat >base/tools/srun <<'S'
#!/usr/bin/env bash
while [[ $1 == --* ]]; do shift; done
exec "$@"
S
chmod +x base/build/release/bertha base/tools/*
export PATH=$scratch/base/tools:$PATH
ln -s "$BERTHA_SOURCE/configs" "$BERTHA_SOURCE/launch" base/
awk 'BEGIN { for (d = 0; d < 80; ++d) { for (s = 0; s < 8; ++s) print "The word " d " and the word " (d * s) % 17 " stand here."; print "" } }' >sentences.txt
split -l 36 sentences.txt base/my_texts/part- --additional-suffix=.txt
{ echo '<mediawiki>'; for file in base/my_texts/*; do
  echo "<page><title>$(basename "$file")</title><ns>0</ns><id>1</id><revision><id>1</id><text>"; cat "$file"; echo '</text></revision></page>'
done; echo '</mediawiki>'; } | bzip2 >base/dump.xml.bz2
{ printf 'text\tlabel\n'; for i in $(seq 20); do printf 'the word %s\ta\nhere stands\tb\n' "$i"; done; } >base/train.tsv
printf 'the word\n' >base/new.txt
(cd base && b=build/release/bertha && $b vocab --input.paths my_texts --vocab.output vocab.txt &&
  $b prepare --input.paths my_texts --tokenizer.vocab vocab.txt --prepare.output corpus --prepare.validation_fraction 0.1 &&
  $b pretrain --data.corpus corpus --train.output run && $b export --train.init run --train.output pretrained) >log 2>&1 || { tail -3 log; exit 1; }

blocks=0
for document in "$BERTHA_SOURCE"/README.md "$BERTHA_SOURCE"/*/README.md "$BERTHA_SOURCE"/launch/guides/*.md; do
  awk '/^<!-- run -->$/ {on = 1; next} on && /^    / {print substr($0, 5); seen = 1; next} on && seen {on = seen = 0}' "$document" >block.sh
  [ -s block.sh ] || continue
  blocks=$((blocks + 1))
  name=${document#"$BERTHA_SOURCE"/}; folder=$scratch/${name//\//-}
  cp -r base "$folder"; [[ $name == *coming_from* ]] || rm -rf "$folder/run"
  [[ $name == *slurm* || $name == *coming_from* ]] || rm -rf "$folder/corpus"
  (cd "$folder" && bash -euo pipefail "$scratch/block.sh") >log 2>&1 || fail "$name: $(grep -v '^$' log | tail -2)"
done
echo "$blocks documents"
[ "$blocks" -ge 5 ] || fail "only $blocks documents have blocks that run"
finish
