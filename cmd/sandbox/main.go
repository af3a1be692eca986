// Command sandbox runs the whole connector on one machine, against embedded stand-ins.
package main

func main() {}
