module vent/artifacts/dmesg

go 1.26.8
