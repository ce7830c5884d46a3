package gitserver

// TB is as much of a test as Serve needs.
type TB interface {
	Helper()
	Fatal(args ...any)
	Cleanup(f func())
	TempDir() string
}

// Serve is a server for one test, with a repository that has a first commit of
// these files on main; without files it is empty.
func Serve(t TB, files ...File) (*Server, *Repo) {
	t.Helper()
	s, err := Start(Options{Dir: t.TempDir(), Quick: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	r, err := s.Create("envs")
	if err == nil && len(files) > 0 {
		_, err = r.Commit("main", "start", files...)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s, r
}
