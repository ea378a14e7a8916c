import Echo from 'laravel-echo'
import { TidingsConnector } from 'tidings/echo'

window.Echo = new Echo({ broadcaster: TidingsConnector })
