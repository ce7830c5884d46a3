package image

import (
	"fmt"
)

// Mount is a directory of this machine's in a container.
type Mount struct {
	From     string
	At       string
	ReadOnly bool
}

// Container is where a command runs: the image, read-only, and nothing to write but
// its mounts. It shares the network of this machine.
type Container struct {
	Root   string // what Unpack laid out
	UID    int
	GID    int
	Env    []string // beside what every container has
	Mounts []Mount
}

// Environment is what an engine gives a command of the image.
func (c Container) Environment() []string {
	return append([]string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/"}, c.Env...)
}

// enter prepares the mounts, in a mount namespace of its own, and becomes the command.
// The links of the image are its own: what they lead to is asked inside.
const enter = `set -e
root=$1 user=$2; shift 2
mount --bind "$root" "$root"
mount -t proc -o ro proc "$root/proc"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for node in null zero full random urandom; do
	: >"$root/dev/$node"
	mount --bind "/dev/$node" "$root/dev/$node"
done
mount -o remount,ro "$root/dev"
while [ "$1" != -- ]; do
	chroot "$root" mkdir -p "$2"
	at=$root$(chroot "$root" readlink -f "$2")
	mount --bind "$1" "$at"
	[ "$3" = rw ] || mount -o remount,bind,ro "$at"
	shift 3
done
shift
mount -o remount,bind,ro "$root"
exec setpriv --no-new-privs chroot --userspec="$user" --groups="${user#*:}" "$root" "$@"
`

// Command returns the program and the arguments that run a command of the image.
func (c Container) Command(command ...string) (name string, args []string) {
	args = []string{"--mount", "--propagation", "private", "sh", "-c", enter, "sh", c.Root, fmt.Sprintf("%d:%d", c.UID, c.GID)}
	for _, m := range c.Mounts {
		mode := "rw"
		if m.ReadOnly {
			mode = "ro"
		}
		args = append(args, m.From, m.At, mode)
	}
	return "unshare", append(append(args, "--"), command...)
}
