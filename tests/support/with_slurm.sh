#!/usr/bin/env bash
# Runs a command beside a real Slurm of two virtual nodes (n1, n2) on this machine, in network, mount,
# process and host-name namespaces of its own; all of it ends with the command. Root only.
#   tests/support/with_slurm.sh 'sbatch --wait job.sbatch'
set -euo pipefail
if [ "${SLURM_SANDBOX:-}" = "" ]; then
  SLURM_SANDBOX=$(mktemp -d /tmp/bertha-slurm.XXXXXX)
  export SLURM_SANDBOX
  code=0
  unshare --net --mount --pid --uts --fork --mount-proc "$0" "$@" || code=$?
  rm -rf "$SLURM_SANDBOX"
  exit $code
fi
box=$SLURM_SANDBOX
export SLURM_CONF=$box/slurm.conf
mkdir -p "$box"/{state,spool/n1,spool/n2,tmp/n1,tmp/n2,munge}
chmod 755 "$box"
# One host name for the controller, two for the nodes, all of them this machine; Slurm insists on an
# interface besides lo.
hostname controller
printf '127.0.0.1 localhost controller n1 n2\n' >"$box/hosts"
mount --bind "$box/hosts" /etc/hosts
ip link set lo up
ip link add outer type veth peer name inner
ip addr add 10.98.0.1/24 dev outer
ip link set outer up
ip link set inner up

head -c 1024 /dev/urandom >"$box/munge/key"
chmod 400 "$box/munge/key"
munged --force --foreground --key-file="$box/munge/key" --socket="$box/munge/socket" \
  --pid-file="$box/munge/pid" --seed-file="$box/munge/seed" --log-file="$box/munge/log" >"$box/munge/out" 2>&1 &
cat >"$SLURM_CONF" <<C
ClusterName=bertha
SlurmctldHost=controller(127.0.0.1)
SlurmctldPort=26917
SlurmUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=cred_expire=5,socket=$box/munge/socket
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=batch_sched_delay=0,sched_interval=2
ReturnToService=2
MinJobAge=3600
SlurmdParameters=config_overrides
StateSaveLocation=$box/state
SlurmdSpoolDir=$box/spool/%n
TmpFS=$box/tmp/%n
SlurmctldPidFile=$box/controller.pid
SlurmdPidFile=$box/node.%n.pid
SlurmctldLogFile=$box/controller.log
SlurmdLogFile=$box/node.%n.log
NodeName=n[1-2] NodeAddr=127.0.0.1 NodeHostname=controller Port=[27101-27102] CPUs=8 State=UNKNOWN
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
PartitionName=all Nodes=ALL Default=YES MaxTime=60 State=UP PriorityTier=10
PartitionName=spare Nodes=ALL MaxTime=60 State=UP PriorityTier=1 GraceTime=30
C
for _ in $(seq 100); do [ -S "$box/munge/socket" ] && break; sleep 0.1; done
slurmctld -D >"$box/controller.out" 2>&1 &
sleep 1
slurmd -N n1 -D >"$box/n1.out" 2>&1 &
slurmd -N n2 -D >"$box/n2.out" 2>&1 &
for _ in $(seq 60); do [ "$(sinfo -h -N -o %t 2>/dev/null | sort -u)" = idle ] && break; sleep 0.5; done
if [ "$(sinfo -h -N -o %t 2>/dev/null | sort -u)" != idle ]; then
  echo "Slurm did not come up:" >&2
  tail -5 "$box"/*.log >&2
  exit 1
fi
code=0
bash -c "$1" || code=$?
scontrol shutdown 2>/dev/null || true
exit $code
