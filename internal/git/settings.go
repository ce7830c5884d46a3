package git

// Settings are what one git command is given, through its environment: no command
// line shows them.
type Settings struct {
	Env    []string    // NAME=VALUE
	Config [][2]string // keys and values of git's configuration, in order
}

// Identity is a person or a program in a commit.
type Identity struct{ Name, Email string }

// Process is what git gets of the process that runs it.
type Process struct {
	Env     []string // its environment, as NAME=VALUE; Inherited leaves some out
	TempDir string   // where files are made that need not outlive a command
}
