package local

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/assaydev/assay/internal/git"
)

// TestCoveredBySSHAlone: whom gpg trusts is not an allowed signer, whatever else stands
// beside the signature of gpg.
func TestCoveredBySSHAlone(t *testing.T) {
	r, dir := repository(t, map[string]string{"a.yaml": "a\n"})
	at := t.TempDir()
	ran := filepath.Join(at, "ran")
	write(t, at, "gpg", "#!/bin/sh\n: > '"+ran+"'\nprintf '\\n[GNUPG:] GOODSIG 0123456789ABCDEF A\\n[GNUPG:] TRUST_ULTIMATE 0 pgp\\n'\n")
	makeExecutable(t, at)
	write(t, at, "config", "[gpg]\nprogram = "+filepath.Join(at, "gpg")+"\n[gpg \"x509\"]\nprogram = "+filepath.Join(at, "gpg")+"\n")
	write(t, at, "signers", "a@example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n")
	t.Setenv("GIT_CONFIG_GLOBAL", filepath.Join(at, "config"))
	for _, format := range []string{"PGP SIGNATURE", "SIGNED MESSAGE"} {
		commit := "tree " + run(t, dir, "rev-parse", "HEAD^{tree}") + "\nauthor A <a@example.com> 1 +0000\ncommitter A <a@example.com> 1 +0000\n" +
			"gpgsig -----BEGIN " + format + "-----\n \n x\n -----END " + format + "-----\n" +
			"gpgsig -----BEGIN SSH SIGNATURE-----\n x\n -----END SSH SIGNATURE-----\n\nPromote\n"
		id, err := git.Runner{Dir: dir, Env: os.Environ()}.Run(t.Context(), []byte(commit), "hash-object", "-t", "commit", "-w", "--stdin")
		if err != nil {
			t.Fatal(err)
		}
		if covered, err := r.Covered(t.Context(), git.FirstLine(id), filepath.Join(at, "signers")); covered || err != nil {
			t.Errorf("%s: covered %v, %v", format, covered, err)
		}
		if _, err := os.Stat(ran); err == nil {
			t.Errorf("%s: gpg was asked", format)
		}
	}
}
