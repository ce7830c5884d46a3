package main

import (
	"errors"
	"net"
)

// loopback is a flag's value: the address of a port that only this machine reaches, or nothing.
type loopback string

func (l *loopback) String() string { return string(*l) }
func (*loopback) Type() string     { return "address" }

func (l *loopback) Set(text string) error {
	host, _, err := net.SplitHostPort(text)
	if ip := net.ParseIP(host); err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return errors.New("give a loopback address, such as 127.0.0.1:6060: profiles show what is in memory")
	}
	*l = loopback(text)
	return nil
}
