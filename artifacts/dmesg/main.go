// Program dmesg prints the kernel's log, as the usual dmesg does, and nothing
// more. It lies in the agnhost image that is built here, whose base is empty,
// so that a pod can show which kernel it runs on: under gVisor the log is
// gVisor's own.
package main

import (
	"fmt"
	"os"
	"regexp"
	"syscall"
)

// Actions of syslog(2).
const (
	readAll    = 3
	sizeBuffer = 10
)

// priority is the "<6>" that the kernel puts before each line.
var priority = regexp.MustCompile(`(?m)^<\d+>`)

func main() {
	size, err := syscall.Klogctl(sizeBuffer, nil)
	if err != nil || size <= 0 {
		size = 1 << 16
	}
	log := make([]byte, size)
	length, err := syscall.Klogctl(readAll, log)
	if err != nil {
		fmt.Fprintln(os.Stderr, "dmesg: cannot read the kernel's log:", err)
		os.Exit(1)
	}
	os.Stdout.Write(priority.ReplaceAll(log[:length], nil))
}
