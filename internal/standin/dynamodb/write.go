package dynamodb

import "slices"

// writeInput is a PutItem, UpdateItem or DeleteItem, and one action of a
// transaction.
type writeInput struct {
	conditionInput
	TableName              string
	Item                   wireItem
	Key                    wireItem
	UpdateExpression       *string
	AttributeUpdates       map[string]wireUpdate
	ReturnValues           string
	ReturnConsumedCapacity string
}

// write is a write that has been validated and worked out, and not yet stored.
type write struct {
	t       *table
	key     Item
	old     Item
	new     Item // nil deletes
	actions []action
	check   bool // a condition alone: nothing is stored
}

func (s *Server) store(c *Counts, w *write) float64 {
	consumed := units(max(w.old.size(), w.new.size()), writeUnit)
	c.WriteUnits += consumed
	if !w.check {
		w.t.put(w.key, w.new, s.opt.Now(), s.opt.ReplicaLag)
	}
	return consumed
}

// open finds the row that a write is about and checks its condition.
func (s *Server) open(in *writeInput, key Item, cond condition) (*write, *Error) {
	t, err := s.usable(in.TableName)
	if err != nil {
		return nil, err
	}
	if err := t.schema.checkKey(key); err != nil {
		return nil, err
	}
	w := &write{t: t, key: key}
	if r := t.get(key); r != nil {
		w.old = r.item
	}
	return w, in.check(cond, w.old)
}

func (s *Server) preparePut(in *writeInput) (*write, *Error) {
	if in.ReturnValues != "" && in.ReturnValues != "NONE" && in.ReturnValues != "ALL_OLD" {
		return nil, invalid("ReturnValues can only be ALL_OLD or NONE")
	}
	it, err := in.Item.item()
	if err != nil {
		return nil, err
	}
	if it.size() > maxItem {
		return nil, invalid("Item size has exceeded the maximum allowed size")
	}
	cond, err := in.onlyCondition()
	if err != nil {
		return nil, err
	}
	t, err := s.usable(in.TableName)
	if err != nil {
		return nil, err
	}
	if err := t.schema.checkItem(it); err != nil {
		return nil, err
	}
	if err := t.checkIndexKeys(it); err != nil {
		return nil, err
	}
	w, err := s.open(in, t.schema.pick(it), cond)
	if err != nil {
		return nil, err
	}
	w.new = it
	return w, nil
}

// onlyCondition reads the condition of a request whose only expression it is.
func (in *writeInput) onlyCondition() (condition, *Error) {
	sc, err := in.scope([]param{{"ConditionExpression", in.ConditionExpression != nil}}, []param{{"Expected", in.Expected != nil}})
	if err != nil {
		return nil, err
	}
	cond, err := in.condition(sc)
	if err != nil {
		return nil, err
	}
	return cond, sc.unused()
}

// prepareDelete serves DeleteItem and a transaction's ConditionCheck.
func (s *Server) prepareDelete(in *writeInput) (*write, *Error) {
	if in.ReturnValues != "" && in.ReturnValues != "NONE" && in.ReturnValues != "ALL_OLD" {
		return nil, invalid("ReturnValues can only be ALL_OLD or NONE")
	}
	key, err := in.Key.item()
	if err != nil {
		return nil, err
	}
	cond, err := in.onlyCondition()
	if err != nil {
		return nil, err
	}
	return s.open(in, key, cond)
}

func (s *Server) prepareUpdate(in *writeInput) (*write, *Error) {
	if !slices.Contains([]string{"", "NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW"}, in.ReturnValues) {
		return nil, invalid("1 validation error detected: Value '%s' at 'returnValues' failed to satisfy constraint: Member must satisfy enum value set: [ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]", in.ReturnValues)
	}
	sc, err := in.scope(
		[]param{{"UpdateExpression", in.UpdateExpression != nil}, {"ConditionExpression", in.ConditionExpression != nil}},
		[]param{{"AttributeUpdates", in.AttributeUpdates != nil}, {"Expected", in.Expected != nil}})
	if err != nil {
		return nil, err
	}
	key, err := in.Key.item()
	if err != nil {
		return nil, err
	}
	var actions []action
	if in.UpdateExpression != nil {
		actions, err = parseUpdate(*in.UpdateExpression, sc)
	} else {
		actions, err = legacyUpdates(in.AttributeUpdates)
	}
	if err != nil {
		return nil, err
	}
	cond, err := in.condition(sc)
	if err != nil {
		return nil, err
	}
	if err := sc.unused(); err != nil {
		return nil, err
	}
	t, err := s.usable(in.TableName)
	if err != nil {
		return nil, err
	}
	for _, a := range actions {
		if slices.Contains(t.schema.names(), a.path[0].name) {
			return nil, invalidParameter("Cannot update attribute %s. This attribute is part of the key", a.path[0].name)
		}
	}
	w, err := s.open(in, key, cond)
	if err != nil {
		return nil, err
	}
	base := w.old
	if base == nil {
		base = key
	}
	w.actions = actions
	if w.new, err = applyUpdate(base, actions); err != nil {
		return nil, err
	}
	if err := t.checkIndexKeys(w.new); err != nil {
		return nil, err
	}
	if w.new.size() > maxItem {
		return nil, invalid("Item size to update has exceeded the maximum allowed size")
	}
	for _, v := range w.new {
		if v.depth() > maxDepth {
			return nil, invalid("Nesting Levels have exceeded supported limits")
		}
	}
	return w, nil
}

func (s *Server) putItem(c *Counts, in *writeInput) (any, *Error) {
	w, err := s.preparePut(in)
	return s.finish(c, in, w, err)
}

func (s *Server) updateItem(c *Counts, in *writeInput) (any, *Error) {
	w, err := s.prepareUpdate(in)
	return s.finish(c, in, w, err)
}

func (s *Server) deleteItem(c *Counts, in *writeInput) (any, *Error) {
	w, err := s.prepareDelete(in)
	return s.finish(c, in, w, err)
}

func (s *Server) finish(c *Counts, in *writeInput, w *write, err *Error) (any, *Error) {
	if err != nil {
		return nil, err
	}
	consumed := s.store(c, w)
	var paths []path
	for _, a := range w.actions {
		paths = append(paths, a.path)
	}
	var back Item
	switch in.ReturnValues {
	case "ALL_OLD":
		back = w.old
	case "ALL_NEW":
		back = w.new
	case "UPDATED_OLD":
		back = project(w.old, paths)
	case "UPDATED_NEW":
		back = project(w.new, paths)
	}
	out := map[string]any{}
	if len(back) > 0 {
		out["Attributes"] = back
	}
	return withCapacity(out, in.ReturnConsumedCapacity, w.t, consumed), nil
}
