// A process of a trial, which talks through its standard input and output.

package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// process reads JSON values and writes JSON values.
type process struct {
	cmd     *exec.Cmd
	input   io.Closer // closing it makes the process finish
	encoder *json.Encoder
	decoder *json.Decoder
}

func startProcess(cmd *exec.Cmd) (*process, error) {
	cmd.Stderr = os.Stderr
	input, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return &process{cmd, input, json.NewEncoder(input), json.NewDecoder(output)}, cmd.Start()
}

// ask writes a value and reads the answer.
func (p *process) ask(value, answer any) error {
	return errors.Join(p.encoder.Encode(value), p.decoder.Decode(answer))
}

// finish ends the input of the process, reads its last answer and waits for its end.
func (p *process) finish(answer any) error {
	return errors.Join(p.input.Close(), p.decoder.Decode(answer), p.cmd.Wait())
}

// stop ends the input of the process and waits for its end.
func (p *process) stop() error {
	_ = p.input.Close() // the process may have ended
	return p.cmd.Wait()
}

// usage asks a server process what it has used.
func (p *process) usage() (u Usage, err error) {
	if err := p.ask(question, &u); err != nil {
		return u, fmt.Errorf("ask the server what it has used: %w", err)
	}
	return u, nil
}
