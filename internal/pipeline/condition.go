package pipeline

import (
	"sync"

	"kinesis-snowflake/internal/telemetry"
)

// partLoad is the committer's name among the parts of a pipeline that may be in trouble; the source names its own.
const partLoad = "load"

// condition joins what the parts of a pipeline say of themselves into its health: it fails while any part does. It is
// safe for concurrent use.
type condition struct {
	health *telemetry.PipelineHealth

	mu      sync.Mutex
	trouble map[string]error
}

func newCondition(h *telemetry.PipelineHealth) *condition {
	return &condition{health: h, trouble: map[string]error{}}
}

// set takes in what keeps a part from its work, or nil.
func (c *condition) set(part string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		if _, ill := c.trouble[part]; !ill {
			return
		}
		delete(c.trouble, part)
	} else {
		c.trouble[part] = err
	}
	c.tell()
}

// begin says that the pipeline works, but for what was said before.
func (c *condition) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tell()
}

func (c *condition) tell() {
	for _, err := range c.trouble {
		c.health.Failing(err)
		return
	}
	c.health.Running()
}
