package promote

// Input is what a caller may say beside what it asks for.
type Input string

// The inputs.
const (
	InputReason    Input = "reason"    // of a person
	InputID        Input = "id"        // of the candidate that is meant
	InputNamespace Input = "namespace" // that the environment is deployed to
)

// MissingError is an error that an input would have prevented. Its message ends with
// that; how the input is given, the caller knows.
type MissingError struct {
	Input   Input
	Message string
}

func (e *MissingError) Error() string { return e.Message }
