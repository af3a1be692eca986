package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kinesis-snowflake/config"
)

func (p *program) healthcheckCommand() *cobra.Command {
	var file, address string
	var timeout time.Duration
	c := &cobra.Command{
		Use:   "healthcheck {-c FILE | --url URL}",
		Short: "Ask a running process whether it is alive",
		Long: `Ask a running process whether it is alive: GET /healthz at the file's telemetry.listen, or at a URL.

Made for a container without a shell. Exit code 0: alive; 1: not alive, or no answer.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			target, err := healthURL(file, address)
			if err != nil {
				return err
			}
			return p.stoppable(c.Context(), func(ctx context.Context) error {
				ctx, cancel := context.WithTimeout(ctx, timeout)
				defer cancel()
				return healthcheck(ctx, target, p.stdout)
			})
		},
	}
	c.Flags().StringVarP(&file, "config", "c", "", "pipeline `FILE` of the running process")
	c.Flags().StringVar(&address, "url", "", "`URL` of the running process: http://127.0.0.1:9090; a path of its own takes the place of /healthz")
	c.Flags().DurationVar(&timeout, "timeout", 5*time.Second, "how long to wait for the answer")
	c.MarkFlagsOneRequired("config", "url")
	c.MarkFlagsMutuallyExclusive("config", "url")
	return c
}

func healthURL(file, address string) (string, error) {
	if address != "" {
		u, err := url.Parse(address)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			return "", fmt.Errorf("%q is not a URL; write for example http://127.0.0.1:9090", address)
		}
		if strings.Trim(u.Path, "/") == "" {
			u.Path = "/healthz"
		}
		return u.String(), nil
	}
	listen, err := config.Listen(file)
	if err != nil {
		return "", err
	}
	if listen == "" {
		return "", fmt.Errorf("%s: telemetry.listen is off, so there is nothing to ask", file)
	}
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "", err
	}
	// A process that listens on every address is asked over the loopback one.
	switch host {
	case "", "0.0.0.0":
		host = "127.0.0.1"
	case "::":
		host = "::1"
	}
	return "http://" + net.JoinHostPort(host, port) + "/healthz", nil
}

// maxAnswer bounds what is shown of an answer; a pipeline's line has a few hundred bytes.
const maxAnswer = 64 << 10

func healthcheck(ctx context.Context, target string, out io.Writer) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return err
	}
	// Its own transport: the proxy that the environment may name is for AWS and Snowflake.
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return failure{err: fmt.Errorf("not alive: %w", err)}
	}
	defer resp.Body.Close()
	if _, err := io.Copy(out, io.LimitReader(resp.Body, maxAnswer)); err != nil {
		return failure{err: fmt.Errorf("not alive: %w", err)}
	}
	if resp.StatusCode != http.StatusOK {
		return failure{err: errors.New("not alive: " + resp.Status)}
	}
	return nil
}
