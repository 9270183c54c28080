# Becomes the systemd of a copy of this machine. Called by deb.py in new namespaces: machine.sh FOLDER PACKAGE ...
# What is written lands in memory and is gone with the last process; the kernel's settings cannot be written at all.
set -eu
base=$1
shift
mount --make-rprivate /
mount -t tmpfs -o mode=755 changes "$base"
mkdir "$base/upper" "$base/work" "$base/root"
mount -t overlay -o "lowerdir=/,upperdir=$base/upper,workdir=$base/work" copy "$base/root"
root=$base/root
mount -t proc proc "$root/proc"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount -t sysfs -o ro sys "$root/sys"
mount -t cgroup2 cgroup "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 run "$root/run"
mount -t tmpfs -o mode=1777 tmp "$root/tmp"
mount -t tmpfs -o mode=755 dev "$root/dev"
for device in null zero full random urandom tty; do
  : > "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm" "$root/run/lock"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
mount -t tmpfs shm "$root/dev/shm"
# Machines that are containers forbid their packages to start services.
rm -f "$root/usr/sbin/policy-rc.d"
: > "$root/etc/machine-id"
mkdir -p "$root/root"
cp "$@" "$root/root"
ip link set lo up 2> /dev/null || ifconfig lo up 2> /dev/null || true
exec chroot "$root" env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --log-target=console --unit=basic.target
