package main

import (
	"fmt"

	"example.com/sockets/02-multiconn/messages/message"
)

// results is what a search can find.
var results = map[string]string{
	"morpheus": "The god of dreams. 💤",
	"iris":     "The messenger of the gods. 🌈",
	"🦊":        "Quick and brown.",
}

// answer returns the reply to a request. What is not found is a result too;
// an error means that the request can't be understood.
func answer(request message.Message) (message.Message, error) {
	if request.Type != message.JSON {
		start := request.Content[:min(10, len(request.Content))]
		return message.Message{Type: "binary/first-bytes", Encoding: "binary",
			Content: append([]byte("First 10 bytes of request: "), start...)}, nil
	}
	var ask struct {
		Action string `json:"action"`
		Value  string `json:"value"`
	}
	if err := request.Decode(&ask); err != nil {
		return message.Message{}, err
	}
	result, found := results[ask.Value]
	if ask.Action != "search" {
		result = fmt.Sprintf("Unknown action %.40q: only \"search\" is known.", ask.Action)
	} else if !found {
		result = fmt.Sprintf("Nothing found for %.40q.", ask.Value)
	}
	return message.NewJSON(map[string]string{"result": result})
}
