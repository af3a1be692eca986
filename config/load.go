package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// Load reads pipeline files, one pipeline each, with the process's environment. Its error is an [Errors] with every fault
// of every file. Two pipelines with one lease table, or with one Snowflake table, are a fault. At least one path.
func Load(paths ...string) ([]*Pipeline, error) {
	if len(paths) == 0 {
		return nil, errors.New("no pipeline file is given")
	}
	var (
		errs      Errors
		decoders  []*decoder
		pipelines []*Pipeline
	)
	for _, path := range paths {
		data, err := readFile(path)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		p, d := parse(path, data, os.LookupEnv, readSecret)
		errs = append(errs, d.errs...)
		pipelines, decoders = append(pipelines, p), append(decoders, d)
	}
	if len(errs) == 0 {
		errs = conflicts(decoders, pipelines)
	}
	if len(errs) > 0 {
		return nil, errs
	}
	return pipelines, nil
}

// Parse reads one pipeline from a file's bytes. name stands for the file in errors, and relative names of secrets' files start
// from its folder. env looks up a variable, and says whether it is set. The error is an [Errors].
func Parse(name string, data []byte, env func(string) (string, bool)) (*Pipeline, error) {
	p, d := parse(name, data, env, readSecret)
	if len(d.errs) > 0 {
		return nil, d.errs
	}
	return p, nil
}

// Listen is the telemetry.listen of a pipeline file; empty when that is off. Whatever else is wrong in the file, or has become
// so since the process that it is asked for was started, does not count: a probe must not fail by an edit that is yet to be
// mended, or by a secret that is being replaced.
func Listen(path string) (string, error) {
	data, unread := readFile(path)
	if unread != nil {
		return "", Errors{unread}
	}
	p, d := parse(path, data, os.LookupEnv, readSecret)
	const key = "telemetry.listen"
	for _, e := range d.errs {
		if e.Key == "" || e.Key == key || strings.HasPrefix(key, e.Key+".") {
			return "", Errors{e}
		}
	}
	return p.Telemetry.Listen, nil
}

func parse(name string, data []byte, env func(string) (string, bool), read func(string) ([]byte, error)) (*Pipeline, *decoder) {
	p := Default()
	p.File = name
	d := &decoder{file: name, env: env, read: read, root: schema(&p), at: map[string]position{}, set: map[string]bool{}, wrote: map[position]string{}, varies: map[string]bool{}}
	root, where, err := tree(data)
	if err != nil {
		d.fail(where, "", err.Error(), "")
		return &p, d
	}
	if root != nil {
		d.cuts("", root)
	}
	d.section(d.root, "", root, where)
	d.rules(&p)
	d.errs.sortByPosition()
	p.places = d.at
	return &p, d
}

func readFile(path string) ([]byte, *Error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, unreadable(path, err)
	}
	return data, nil
}

func unreadable(path string, err error) *Error {
	var fault *os.PathError
	if errors.As(err, &fault) {
		err = fault.Err
	}
	return &Error{File: path, Problem: fmt.Sprintf("cannot be read: %s", err), Allowed: "a pipeline file"}
}
