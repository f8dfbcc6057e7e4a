#!/bin/sh
# Starts one practice host. Called with what to do and these words in the environment:
#   HOST_NAME            host name              HOST_DIR    its folder: upper, work, root, lower, varlib
#   HOST_BASE            shared base system     HOST_NETNS  its network namespace
#   HOST_CGROUP_VERSION  1 or 2                 HOST_HOMES  control groups its PID 1 joins
#   HOST_HIERARCHIES     version 1: mount options of each hierarchy, and `unified` for version 2 beside
set -eu
umask 022

case $1 in
launch) # on the machine: into the control groups and the network, then PID 1 in namespaces of its own
  if [ "$HOST_CGROUP_VERSION" = 2 ]; then
    # A group with processes may not hand controllers on: this launcher and the host sit in groups of their own.
    top=${HOST_HOMES%/host}
    mkdir -p "$top/launcher" "$top/host"
    echo $$ >"$top/launcher/cgroup.procs"
    for controller in $(cat "$top/cgroup.controllers"); do
      echo "+$controller" >"$top/cgroup.subtree_control" 2>/dev/null || true
    done
  else
    for home in $HOST_HOMES; do echo $$ >"$home/cgroup.procs"; done
  fi
  exec nsenter --net="/run/netns/$HOST_NETNS" \
    unshare --mount --uts --ipc --pid --fork --propagation private sh "$0" join
  ;;

join) # as the host's PID 1: its control group becomes the root of what it sees
  for home in $HOST_HOMES; do echo 0 >"$home/cgroup.procs"; done
  exec unshare --cgroup sh "$0" boot
  ;;

boot) # still PID 1: disk, /proc, /sys, /dev, then systemd
  echo "$HOST_NAME" >/proc/sys/kernel/hostname
  cd "$HOST_DIR"
  mkdir -p lower root work
  mount --bind "$HOST_BASE" lower
  mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work root
  # containerd makes overlays in /var/lib, and an overlay can't lie on an overlay.
  mount --bind varlib root/var/lib
  if [ -d /lib/modules ]; then
    mkdir -p root/lib/modules
    mount --bind -o ro /lib/modules root/lib/modules
  fi

  mount -t proc -o nosuid,nodev,noexec proc root/proc
  # One key of sysrq would take the whole machine down, not this host.
  [ ! -e root/proc/sysrq-trigger ] || mount --bind /dev/null root/proc/sysrq-trigger
  mount -t sysfs -o nosuid,nodev,noexec sysfs root/sys
  mount -t tmpfs -o nosuid,nodev,mode=755 tmpfs root/run
  mkdir -m 1777 root/run/lock

  mount -t tmpfs -o nosuid,mode=755 tmpfs root/dev
  cd root/dev
  device() { [ ! -e "/dev/$1" ] || mknod -m "$2" "$1" c "$3" "$4"; }
  device null 666 1 3
  device zero 666 1 5
  device full 666 1 7
  device random 666 1 8
  device urandom 666 1 9
  device kmsg 644 1 11
  device tty 666 5 0
  device fuse 666 10 229
  device loop-control 660 10 237
  for n in 0 1 2 3 4 5 6 7; do [ ! -e "/dev/loop$n" ] || mknod -m 660 "loop$n" b 7 "$n"; done
  mkdir net pts shm
  device net/tun 666 10 200
  mount -t devpts -o nosuid,noexec,newinstance,ptmxmode=0666,mode=620,gid=5 devpts pts
  mount -t tmpfs -o nosuid,nodev,mode=1777 tmpfs shm
  ln -s pts/ptmx ptmx
  ln -s /proc/self/fd fd
  ln -s /proc/self/fd/0 stdin
  ln -s /proc/self/fd/1 stdout
  ln -s /proc/self/fd/2 stderr
  cd ../..

  if [ "$HOST_CGROUP_VERSION" = 2 ]; then
    mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 root/sys/fs/cgroup
  else
    mount -t tmpfs -o nosuid,nodev,noexec,mode=755 tmpfs root/sys/fs/cgroup
    for options in $HOST_HIERARCHIES; do
      folder=root/sys/fs/cgroup/${options#name=}
      mkdir "$folder"
      case $options in
      unified) mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 "$folder" ;;
      name=*) mount -t cgroup -o "none,$options" cgroup "$folder" ;;
      *) mount -t cgroup -o "$options" cgroup "$folder" ;;
      esac
      case $options in *,*)
        for controller in $(echo "$options" | tr , ' '); do ln -s "$options" "root/sys/fs/cgroup/$controller"; done
        ;;
      esac
    done
  fi
  mount -t bpf -o nosuid,nodev,noexec,mode=700 bpf root/sys/fs/bpf 2>/dev/null || true

  cd root
  pivot_root . mnt
  umount -l /mnt
  # The kubelet wants mounts shared, and systemd leaves this to whoever started it when `container` is set.
  mount --make-rshared /
  # The clock is the machine's: a host may read it and not set it.
  exec setpriv --bounding-set=-sys_time --inh-caps=-sys_time \
    env -i container=slipway PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --log-target=journal --show-status=0
  ;;
esac
