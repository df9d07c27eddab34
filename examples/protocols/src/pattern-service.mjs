// What client and server of `loom.Pattern` agree on.
const json = {
  requestSerialize: (message) => Buffer.from(JSON.stringify(message)),
  requestDeserialize: (bytes) => JSON.parse(bytes.toString()),
  responseSerialize: (message) => Buffer.from(JSON.stringify(message)),
  responseDeserialize: (bytes) => JSON.parse(bytes.toString()),
}

export const service = {
  Describe: { path: '/loom.Pattern/Describe', requestStream: false, responseStream: false, ...json },
  Weave: { path: '/loom.Pattern/Weave', requestStream: true, responseStream: true, ...json },
}
