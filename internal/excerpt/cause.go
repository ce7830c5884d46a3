package excerpt

import (
	"errors"
	"io/fs"
	"os"
)

// Cause is an error of the operating system without the paths that it was given,
// which are this machine's. Any other error is returned as it is.
func Cause(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	var link *os.LinkError
	if errors.As(err, &link) {
		return link.Err
	}
	return err
}
