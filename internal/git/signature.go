package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Covered reports whether a signature by a key of the signers covers a commit.
// Signers is a file of allowed signers as ssh-keygen reads it: it alone
// says who trusts whom, and a signature of another format does not count.
func Covered(ctx context.Context, r Runner, commit, signers string) (bool, error) {
	signers, err := filepath.Abs(signers)
	if err != nil {
		return false, err
	}
	if info, err := os.Stat(signers); err != nil || !info.Mode().IsRegular() {
		return false, errors.New("the file of allowed signers cannot be read")
	}
	raw, err := r.Run(ctx, nil, "cat-file", "commit", commit)
	if err != nil {
		return false, fmt.Errorf("read commit %s: %w", Short(commit), err)
	}
	header, _, _ := bytes.Cut(raw, []byte("\n\n"))
	if !bytes.Contains(header, []byte("\ngpgsig -----BEGIN SSH SIGNATURE-----\n")) && !bytes.Contains(header, []byte("\ngpgsig-sha256 -----BEGIN SSH SIGNATURE-----\n")) {
		return false, nil
	}
	// Git takes all the signatures of a commit for one, of the format that it begins with.
	r.Config = append(append([][2]string{}, r.Config...),
		[2]string{"gpg.ssh.allowedSignersFile", signers}, [2]string{"gpg.ssh.program", "ssh-keygen"},
		[2]string{"gpg.program", "false"}, [2]string{"gpg.openpgp.program", "false"}, [2]string{"gpg.x509.program", "false"},
		[2]string{"gpg.minTrustLevel", "fully"})
	_, err = r.Run(ctx, nil, "verify-commit", commit)
	var failed *Error
	if errors.As(err, &failed) && failed.Code == 1 {
		return false, nil
	}
	return err == nil, err
}
