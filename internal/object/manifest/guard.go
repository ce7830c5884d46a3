package manifest

// Guard runs work and makes an error of its panic: in a goroutine of its own, a
// panic would end the process. What the panic says may quote the file, so the
// error names the file alone.
func Guard(file string, work func() error) (err error) {
	defer func() {
		if recover() != nil {
			err = &Error{File: file, Reason: "a library cannot handle what is there; simplify it, and please report it", Refused: true}
		}
	}()
	return work()
}
