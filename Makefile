# The production binary: without cgo, and with the root module's own versions rather than the workspace's.
PRODUCTION = CGO_ENABLED=0 GOWORK=off go build -mod=readonly -tags minicore_disabled -trimpath -ldflags "-s -w -X main.version=$(VERSION)"
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo development)
IMAGE ?= kinesis-snowflake:$(VERSION)

.PHONY: all build test sim fuzz crash fleet times interop race lint fmt generate image ci

all: build test

build: ## bin/kinesis-snowflake
	$(PRODUCTION) -o bin/kinesis-snowflake ./cmd/kinesis-snowflake

test: ## every test, the sandbox's too
	go test ./... ./cmd/sandbox/...

KILLS ?= 50
SEED ?= 0
crash: SHELL = bash
crash: ## two real processes, killed KILLS times at random while records flow; SEED repeats what a run did
	@set -o pipefail; go test ./cmd/sandbox -run '^TestCrashAtRandom$$' -count=1 -timeout 0 -v -kills $(KILLS) -seed $(SEED) | grep -Ev '^(=== |--- PASS|PASS|ok )'

MINUTES ?= 5
FLEET_SEED ?= 0
fleet: SHELL = bash
fleet: ## eight real processes on 64 shards that are killed, stopped, ended and joined while a million records flow
	@set -o pipefail; go test ./cmd/sandbox -run '^TestFleet$$' -count=1 -timeout 0 -v -minutes $(MINUTES) -fleet-seed $(FLEET_SEED) | grep -Ev '^(=== |--- PASS|PASS|ok )'

times: ## how long a take-over, a join and a first start last, and what idle shards cost DynamoDB
	go test ./cmd/sandbox -run '^$$' -bench 'Takeover|Join|FirstRecord|IdleRequests' -benchtime 1x -timeout 0

SEEDS ?= 10000
FIRST ?= 1
sim: ## the whole protocol on virtual time: SEEDS schedules of faults from the FIRST on; 10000 take minutes
	go test ./internal/simulation -run '^TestSimulation$$' -count=1 -timeout 0 -v -seeds $(SEEDS) -first $(FIRST)

FUZZ ?= .
fuzz: SHELL = bash
fuzz: ## every fuzz target whose name matches FUZZ, MINUTES in all; what they find is kept in testdata, and fails the tests from then on
	@targets=$$(grep -rEo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]+' . | sed -E 's,/[^/]*:func (.*),:\1,' | grep -E ':Fuzz.*$(FUZZ)' | sort); \
	each=$$(( $(MINUTES) * 60 / $$(wc -l <<<"$$targets") )); failed=; \
	for t in $$targets; do \
		echo "== $$t, $$(( each > 0 ? each : 1 )) s"; \
		go test "$${t%%:*}" -run '^$$' -fuzz "^$${t##*:}\$$" -fuzztime "$$(( each > 0 ? each : 1 ))s" -fuzzminimizetime 10s | grep -Ev '^(fuzz: elapsed: [0-9ms]+, gathering|PASS$$)'; \
		[[ $${PIPESTATUS[0]} == 0 ]] || failed+=" $$t"; \
	done; \
	[[ -z $$failed ]] || { echo "found something:$$failed"; exit 1; }

interop: ## against servers and clients that others wrote; needs Node.js and Python 3, and the network the first time
	.ci/interop/run

race: ## the root module's tests under the race detector
	CGO_ENABLED=1 go test -race ./...

lint: ## needs golangci-lint v2
	go vet ./... ./cmd/sandbox/...
	golangci-lint run ./... ./cmd/sandbox/...

fmt:
	golangci-lint fmt ./... ./cmd/sandbox/...

generate: ## docs/configuration.md, from the table of keys
	go generate ./config

image:
	docker build --build-arg VERSION=$(VERSION) -t $(IMAGE) .

ci:
	.ci/run
