// Stands for the application of article 001: answers GET /stocks with its stock levels, which change.

import { createServer } from 'node:http'

const stocks = [{ sku: 'A1', price: 198, stock: 42 }, { sku: 'B2', price: 89.5, stock: 17 }]

createServer((request, response) => {
  for (const article of stocks) article.stock = Math.max(0, article.stock + Math.round(Math.random() * 4 - 2))
  response.setHeader('Content-Type', 'application/json').end(JSON.stringify(stocks))
}).listen(9000, '127.0.0.1')
