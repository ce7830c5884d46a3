// Package cli holds what any command line needs beside its commands:
//
//  1. Flags take words, sizes and numbers, and stand under headings in the help.
//  2. What is wrong with a flag or an argument is said with what to give instead.
//  3. Files that flags name are read, and people are asked for what flags leave out.
//  4. Shells complete commands and flags.
//  5. Results for people are lined up, and coloured on a terminal.
//
// It knows nothing of Assay, and is given what it uses of the process.
package cli
