// Command audit says what is in the binaries that ship.
//
//  1. The modules are read from each binary itself, as `go version -m` does:
//     go.mod also names what only tests use (modules.go).
//  2. One that must not ship, or is older than its security fixes, is a fault
//     (rules.go).
//  3. The modules are printed, and written as a CycloneDX bill of materials
//     beside each binary (bom.go). The same binary gives the same bytes.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
)

func main() {
	flag.Usage = func() { fmt.Fprintln(flag.CommandLine.Output(), "usage: audit BINARY...") }
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	for _, binary := range flag.Args() {
		if err := audit(binary); err != nil {
			fmt.Fprintln(os.Stderr, "audit:", err)
			os.Exit(1)
		}
	}
}

// audit prints the modules of a binary and writes their bill, also where there
// are faults.
func audit(binary string) error {
	found, err := read(binary)
	if err != nil {
		return err
	}
	var table bytes.Buffer
	out := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	for _, m := range found.modules {
		fmt.Fprintf(out, "%s\t%s\n", m.path, m.version)
	}
	if err := out.Flush(); err != nil {
		return err
	}
	bill, err := bom(found)
	if err != nil {
		return fmt.Errorf("write the bill of materials of %s: %w", binary, err)
	}
	name := binary + ".cdx.json"
	if err := os.WriteFile(name, bill, 0o600); err != nil {
		return err
	}
	fmt.Printf("%s%s: %d modules, go %s; %s\n", table.String(), binary, len(found.modules), found.goVersion, name)
	if wrong := faults(found.modules); len(wrong) > 0 {
		return fmt.Errorf("%s must not ship:\n  %s", binary, strings.Join(wrong, "\n  "))
	}
	return nil
}
