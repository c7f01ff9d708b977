// The documentation's Node.js snippet for a cloud-to-cloud transfer; its placeholders come from the environment.
const axios = require('axios')
const FormData = require('form-data')
const fs = require('fs')

const API_URL = process.env.API_URL
const headers = { 'x-api-key': process.env.API_KEY }

const main = async () => {
  const TASKS_TRANSFERS_URL = `${API_URL}/tasks/transfers`

  const file_path = process.env.MANIFEST_PATH
  const file_stream = fs.createReadStream(file_path)

  let formData = new FormData()
  formData.append('file', file_stream)

  let config = {
    method: 'post',
    url: TASKS_TRANSFERS_URL,
    headers: headers,
    data : formData,
  };
  resp = await axios(config)
  response = await resp.data
  console.log(`Status code: ${resp.status}`)
  console.log(response)
}

main().catch((error) => {
  console.error(error.response ? error.response.data : error)
  process.exit(1)
})
