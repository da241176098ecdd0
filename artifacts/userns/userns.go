// Package userns stands in for github.com/moby/sys/userns where root lacks
// CAP_SYS_RESOURCE, as it does inside a user namespace. The gVisor shim asks
// this package whether a failure to lower its OOM score may be ignored; on
// such a machine it may, so the answer is always yes.
package userns

// RunningInUserNS answers true: treat this process as one whose OOM score
// cannot be lowered.
func RunningInUserNS() bool {
	return true
}
